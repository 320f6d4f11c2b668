import type { Backend } from "../backends/backend.ts"
import { LocalBackend } from "../backends/local/local.ts"
import { configuration } from "../config/load.ts"
import { type FunctionExecutorOptions, functionExecutorOptions, type JobOptions } from "../config/schema.ts"
import { isServerless } from "../config/serverless/providers.ts"
import { isStandalone } from "../config/standalone/providers.ts"
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

function chosen(option: string | undefined, given: Omit<FunctionExecutorOptions, "mode">): Chosen {
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

/** What a mode or a backend is. */
function modeFor(name: string): Mode | undefined {
  if (name === "localhost" || name === "serverless" || name === "standalone") return name
  if (isStandalone(name)) return "standalone"
  return isServerless(name) ? "serverless" : undefined
}

/** @throws ConfigError where options or configuration name a place that this version cannot run tasks in. */
function modeOf(option: string | undefined): Mode {
  const configured = configuration().section("cellfan", {}, "FunctionExecutor")
  // A mode that is said in code comes before a backend that is configured; else the backend says more.
  const backend = option === undefined ? configured.backend : undefined
  const mode = option ?? configured.mode ?? "localhost"
  const [key, wanted] =
    backend === undefined || modeFor(mode) === undefined ? ["mode", mode] : ["backend", backend]
  const found = modeFor(wanted)
  if (found !== undefined) return found
  throw new ConfigError(
    `FunctionExecutor was told to run tasks by the ${key} "${wanted}", which has no backend in this version. ` +
      `It takes "localhost", "serverless" and "standalone": set it by the option \`mode\`, the environment variable CELLFAN_MODE or \`mode\` in the section cellfan of the configuration file.`,
    { key },
  )
}
