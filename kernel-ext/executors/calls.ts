import type { JobOptions, ReduceOptions } from "../config/schema.ts"
import type { TaskContext } from "../protocol/context.ts"

/** What executors take: functions and options. */

/** A function for `map` and `callAsync`: it gets its input, the task's context, and the `extraArgs` if there are any. */
export type TaskFunction<I, A extends readonly unknown[], R> = (
  input: I,
  ctx: TaskContext,
  ...extraArgs: A
) => R

/** A function that reduces the results of a map. */
export type ReduceFunction<M, R> = (results: Awaited<M>[], ctx: TaskContext) => R

/** Options of `map`. Beside those that can be written as flags: */
export interface MapOptions<A extends readonly unknown[] = readonly unknown[]> extends JobOptions {
  /** Further arguments of the function, the same for every task; sent once to each worker. */
  readonly extraArgs?: A
  /** Cancels the job when aborted. Default: the interrupt of the notebook's cell. */
  readonly signal?: AbortSignal
}

/** Options of `mapReduce`. */
export interface MapReduceOptions<A extends readonly unknown[] = readonly unknown[]>
  extends MapOptions<A>,
    ReduceOptions {
  /** For the reduction alone. */
  readonly reduce?: Omit<MapOptions<[]>, "extraArgs">
}
