import { Job } from "./job.ts"
import { knownJob } from "./observe.ts"

/**
 * A job by its id, where its cell or variable is gone: the same job, with its tasks, results and logs.
 *
 * Jobs of this machine's workers live as long as the process that started them, and only there can they be found. With
 * `cache: true` a map that is started again computes only what is missing.
 *
 * @param jobId `job.id`, as the grid shows it.
 * @throws RangeError where this process has no such job.
 *
 * @example
 * ```ts
 * const job = attach<number>("3f2a91c0")
 * const results = await job
 * ```
 */
export function attach<R = unknown>(jobId: string): Job<R> {
  const job = knownJob(jobId)
  if (job instanceof Job) return job as Job<R>
  throw new RangeError(
    `This process has no job ${jobId}. A job of local workers ends with the process that started it; run its map again, with \`cache: true\` what is done is not computed twice.`,
  )
}
