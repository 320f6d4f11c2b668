import { LocalBackend } from "../backends/local/local.ts"
import { type FunctionExecutorOptions, functionExecutorOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { ConfigError } from "../errors.ts"
import { Executor } from "./executor.ts"
import { defaultWorkers } from "./localhost.ts"

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
    const given = parseOptions(functionExecutorOptions, options, "FunctionExecutor")
    const { mode, workers = defaultWorkers(), ...defaults } = given
    const chosen = mode ?? process.env.CELLFAN_MODE ?? "localhost"
    if (chosen !== "localhost")
      throw new ConfigError(
        `FunctionExecutor has no mode "${chosen}" yet${mode === undefined ? " (read from CELLFAN_MODE)" : ""}; it takes "localhost".`,
        { key: "mode" },
      )
    super(new LocalBackend({ workers }), defaults, { workers, ...defaults })
  }
}
