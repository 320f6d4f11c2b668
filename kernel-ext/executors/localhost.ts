import { LocalBackend } from "../backends/local/local.ts"
import { type LocalhostOptions, localhostOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { usableCpus } from "../util/cpus.ts"
import { Executor } from "./executor.ts"

/**
 * Runs tasks in processes of this machine, which start at the first map and stay warm.
 *
 * @example
 * ```ts
 * await using fexec = new LocalhostExecutor({ workers: 4 })
 * const lengths = await fexec.map((word: string) => word.length, ["one", "three"])   // [3, 5]
 * ```
 */
export class LocalhostExecutor extends Executor {
  constructor(options?: LocalhostOptions) {
    const { workers = usableCpus() } = parseOptions(localhostOptions, options, "LocalhostExecutor")
    super(new LocalBackend({ workers }))
  }
}
