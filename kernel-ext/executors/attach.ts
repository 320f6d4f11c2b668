import type { StandaloneOptions } from "../config/schema.ts"
import { attachTo } from "./attached.ts"
import { Job } from "./job.ts"
import { knownJob } from "./observe.ts"

/**
 * A job by its id, where its cell, variable or process is gone: with its tasks, results and logs.
 *
 * A job on machines (`StandaloneExecutor`) is found from any process, for as long as its queue keeps it: a day, unless `keepMs` says
 * otherwise. It goes on meanwhile; what happened is read, then what happens is watched. Its tasks can be cancelled, but not retried.
 * Jobs of this machine's workers live as long as the process that started them, and only there can they be found.
 *
 * @param jobId `job.id`, as the grid shows it.
 * @param options Where its queue is: `nats`, `pool` (default: as configured, and all that this user's kernels brought up).
 *
 * The job rejects with a RangeError where there is none of that id.
 *
 * @example
 * ```ts
 * const job = attach<number>("3f2a91c0")
 * const results = await job
 * ```
 */
export function attach<R = unknown>(jobId: string, options?: StandaloneOptions): Job<R> {
  const job = knownJob(jobId)
  return job instanceof Job ? (job as Job<R>) : attachTo<R>(jobId, options)
}
