import type { Backend } from "../backends/backend.ts"
import { LocalBackend } from "../backends/local/local.ts"
import { guess } from "../config/entries.ts"
import { configuration } from "../config/load.ts"
import { type FunctionExecutorOptions, functionExecutorOptions, type JobOptions } from "../config/schema.ts"
import { isServerless, serverlessNames } from "../config/serverless/providers.ts"
import { isStandalone, standaloneNames } from "../config/standalone/providers.ts"
import { parseOptions } from "../config/validate.ts"
import { ConfigError } from "../errors.ts"
import { Executor } from "./executor.ts"
import { localSettings } from "./localhost.ts"
import type { NestedOptions } from "./nested.ts"
import { serverless } from "./serverless.ts"
import { standalone } from "./standalone.ts"

/**
 * The same code everywhere: where tasks run is a matter of configuration, and of this machine where there is none.
 *
 * @example
 * ```ts
 * await using fexec = new FunctionExecutor()
 * await fexec.map((n: number) => n + 1, [1, 2])   // [2, 3]
 * ```
 */
export class FunctionExecutor extends Executor {
  constructor(options?: FunctionExecutorOptions) {
    const { mode, ...given } = parseOptions(functionExecutorOptions, options, "FunctionExecutor")
    const { backend, defaults, inTask } = chosen(mode, given)
    super(backend, defaults, inTask)
  }
}

interface Chosen {
  readonly backend: Backend
  readonly defaults: JobOptions
  readonly inTask: NestedOptions
}

function chosen(option: Mode | undefined, given: Omit<FunctionExecutorOptions, "mode">): Chosen {
  const mode = modeOf(option)
  const where = "FunctionExecutor"
  if (mode === "localhost") {
    const { workers, defaults } = localSettings(given, where)
    return { backend: new LocalBackend({ workers }), defaults, inTask: { workers, ...defaults } }
  }
  const { isolation, workers, ...others } = given
  const { backend, defaults } =
    mode === "serverless" ? serverless({ ...others, workers }, where) : standalone(others, where)
  if (mode === "standalone" && workers !== undefined) throw workersOfMachines(where)
  return { backend, defaults: { ...defaults, isolation }, inTask: {} }
}

function workersOfMachines(where: string): ConfigError {
  const message = `${where}: machines have as many workers as they have processors; \`workersPerHost\` in the section standalone of the configuration file is another number.`
  return new ConfigError(message, { key: "workers" })
}

type Mode = "localhost" | "serverless" | "standalone"

/** Where a backend's tasks run. */
function modeFor(backend: string): Mode | undefined {
  if (backend === "localhost") return backend
  if (isStandalone(backend)) return "standalone"
  return isServerless(backend) ? "serverless" : undefined
}

/** @throws ConfigError where options or configuration name a place that this version cannot run tasks in. */
function modeOf(option: Mode | undefined): Mode {
  const { backend, mode } = configuration().section("cellfan", {}, "FunctionExecutor")
  // A mode that is said in code comes before a backend that is configured; else the backend says more.
  if (option !== undefined || backend === undefined) return option ?? mode ?? "localhost"
  const found = modeFor(backend)
  if (found !== undefined) return found
  const backends = ["localhost", ...serverlessNames, ...standaloneNames]
  throw new ConfigError(
    `FunctionExecutor knows no backend "${backend}"${guess(backend, backends)} It takes ${backends.join(", ")}, ` +
      "by the environment variable CELLFAN_BACKEND or `backend` in the section cellfan of the configuration file.",
    { key: "backend" },
  )
}
