import { LocalBackend, siblingsVariable } from "../backends/local/local.ts"
import { configuration } from "../config/load.ts"
import { type JobOptions, type LocalhostOptions, localhostOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { usableCpus } from "../util/cpus.ts"
import { Executor } from "./executor.ts"
import type { NestedOptions } from "./nested.ts"

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
    const given = parseOptions(localhostOptions, options, "LocalhostExecutor")
    const { workers, defaults } = localSettings(given, "LocalhostExecutor")
    super(new LocalBackend({ workers }), defaults, { workers, ...defaults })
  }
}

/** What an executor on this machine is made with: its options, and for what they leave open the configuration. */
export function localSettings(
  given: LocalhostOptions,
  where: string,
): { readonly workers: number; readonly defaults: JobOptions } {
  const inForce = configuration()
  const {
    workers = defaultWorkers(),
    timeoutMs,
    memoryMiB,
    isolation,
    retries,
  } = inForce.section("localhost", given, where)
  const { chunkSize } = inForce.section("cellfan")
  return { workers, defaults: { timeoutMs, memoryMiB, isolation, retries, chunkSize } as JobOptions }
}

/**
 * As many as there are processors. Within a task, its share of them: each task that fans out has workers of its own, which is
 * why nested maps cannot wait for each other, and together they are to be no more than the machine can run.
 */
export function defaultWorkers(): number {
  const siblings = Number(process.env[siblingsVariable] ?? 1)
  return Math.max(1, Math.floor(usableCpus() / Math.max(1, siblings)))
}

/** What an executor is within a task: nested.ts has workers call this. Together, all tasks have no more workers than the machine can run. */
export function nestedExecutor({ workers = Number.POSITIVE_INFINITY, ...options }: NestedOptions): Executor {
  return new LocalhostExecutor({ ...options, workers: Math.min(workers, defaultWorkers()) })
}
