import { LocalBackend } from "../backends/local/local.ts"
import { configuration } from "../config/load.ts"
import { type FunctionExecutorOptions, functionExecutorOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { ConfigError } from "../errors.ts"
import { Executor } from "./executor.ts"
import { localSettings } from "./localhost.ts"

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
    refuseWhatHasNoBackend(mode)
    const { workers, defaults } = localSettings(given, "FunctionExecutor")
    super(new LocalBackend({ workers }), defaults, { workers, ...defaults })
  }
}

/** @throws ConfigError where options or configuration name a place that this version cannot run tasks in. */
function refuseWhatHasNoBackend(option: string | undefined): void {
  const configured = configuration().section("cellfan", {}, "FunctionExecutor")
  const mode = option ?? configured.mode ?? "localhost"
  const backend = option === undefined ? (configured.backend ?? mode) : mode
  const [key, wanted] = mode === "localhost" ? ["backend", backend] : ["mode", mode]
  if (wanted === "localhost") return
  throw new ConfigError(
    `FunctionExecutor was told to run tasks by the ${key} "${wanted}", which has no backend in this version. ` +
      `It takes "localhost": set it by the option \`mode\`, the environment variable CELLFAN_MODE or \`mode\` in the section cellfan of the configuration file.`,
    { key },
  )
}
