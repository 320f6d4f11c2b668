import { storage } from "../config/storage.ts"
import type { TaskContext } from "../protocol/context.ts"
import { randomFor } from "../worker/random.ts"
import type { JobCore } from "./job-core.ts"
import { knownJob, type TaskHere } from "./observe.ts"

/**
 * A task of a job of this process, to run it here, where a debugger, `console.log` and the notebook's own variables are.
 * The cell that a task's details make calls this.
 *
 * @throws RangeError where this process knows no such job, or the job has no such task.
 *
 * @example
 * ```ts
 * const { fn, input, ctx, extraArgs } = taskHere("3f2a91c0", 168)
 * await fn(input, ctx, ...extraArgs)
 * ```
 */
export function taskHere(jobId: string, index: number): TaskHere {
  const job = knownJob(jobId)
  if (job === undefined)
    throw new RangeError(
      `This kernel knows no job ${jobId}: it was started by another one, or too many jobs ago. Run its cell again.`,
    )
  const here = job.here?.(index)
  if (here === undefined)
    throw new RangeError(`Job ${jobId} has no task ${index}: its tasks go from 0 to ${job.size - 1}.`)
  return here
}

export function takeHere(core: JobCore, fn: CallableFunction, index: number): TaskHere | undefined {
  if (!Number.isInteger(index) || index < 0 || index >= core.table.size) return undefined
  const { codec } = core.captured
  const input = codec.decode(codec.encode(core.inputs.get(index), `input ${index}`))
  const extraArgs = core.extraArgs === undefined ? [] : (codec.decode(core.extraArgs) as unknown[])
  return { fn: fn as TaskHere["fn"], input, ctx: contextOf(core, index), extraArgs }
}

function contextOf(core: JobCore, index: number): TaskContext {
  return {
    index,
    attempt: core.table.attempts[index] ?? 1,
    jobId: core.id,
    signal: new AbortController().signal,
    progress: () => {},
    random: randomFor(core.options.seed, index),
    log: (...values) => console.log(...values),
    storage,
  }
}
