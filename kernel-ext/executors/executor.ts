import type { Backend } from "../backends/backend.ts"
import { capture } from "../capture/capture.ts"
import type { Captured } from "../capture/types.ts"
import { type JobOptions, jobOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import type { TaskContext } from "../protocol/context.ts"
import { defaultSignal } from "./default-signal.ts"
import type { Inputs } from "./inputs.ts"
import { Job } from "./job.ts"
import { JobCore } from "./job-core.ts"
import { announceJob } from "./observe.ts"
import { Scheduler } from "./scheduler.ts"
import type { TaskFuture } from "./task.ts"

/**
 * Executors: what users hold, and how their work becomes tasks.
 *
 *     executor.ts         map, callAsync: what all executors have in common
 *     localhost.ts        LocalhostExecutor
 *     job.ts, task.ts     what a user holds of running work: promises with methods
 *     job-core.ts         the state of a job, and what may happen to a task
 *     table.ts, logs.ts   where that state stands: typed arrays, bounded text
 *     inputs.ts           arrays, iterables and async iterables, read as needed
 *     scheduler.ts        which tasks go to the backend when
 *     partition.ts        how many travel together
 *     failures.ts         errors, made when someone looks
 *     stats.ts            a job in numbers
 *     observe.ts          the window for views
 *     default-signal.ts   what stops a job that has no signal of its own
 */

/** A function for `map` and `callAsync`: it gets its input, the task's context, and the `extraArgs` if there are any. */
export type TaskFunction<I, A extends readonly unknown[], R> = (
  input: I,
  ctx: TaskContext,
  ...extraArgs: A
) => R

/** Options of `map`. Beside those that can be written as flags: */
export interface MapOptions<A extends readonly unknown[] = readonly unknown[]> extends JobOptions {
  /** Further arguments of the function, the same for every task; sent once to each worker. */
  readonly extraArgs?: A
  /** Cancels the job when aborted. Default: the interrupt of the notebook's cell. */
  readonly signal?: AbortSignal
}

export abstract class Executor implements AsyncDisposable {
  readonly #backend: Backend
  readonly #scheduler: Scheduler
  #closing: Promise<void> | undefined

  protected constructor(backend: Backend) {
    this.#backend = backend
    this.#scheduler = new Scheduler(backend)
  }

  /** Tasks that can run at once. */
  get workers(): number {
    return this.#backend.workers
  }

  /** "localhost", … */
  get backend(): string {
    return this.#backend.name
  }

  /**
   * Runs `fn` once for each input. Returns at once; await the job for the results in the order of the inputs.
   *
   * @param inputs An array, or any iterable or async iterable, which is then read as the workers need it.
   * @throws CaptureError naming the path, where `fn` refers to something that cannot be sent.
   * @throws ConfigError for a wrong option.
   *
   * @example
   * ```ts
   * const squares = await fexec.map((n: number) => n ** 2, [1, 2, 3])   // [1, 4, 9]
   * ```
   */
  map<I, R, A extends readonly unknown[] = []>(
    fn: TaskFunction<I, A, R>,
    inputs: Inputs<I>,
    options?: MapOptions<A>,
  ): Job<Awaited<R>> {
    return this.#start(fn, inputs, options, "map")
  }

  /**
   * Runs `fn` once.
   *
   * @example
   * ```ts
   * await fexec.callAsync((n: number) => n * 2, 21)   // 42
   * ```
   */
  callAsync<I, R, A extends readonly unknown[] = []>(
    fn: TaskFunction<I, A, R>,
    input: I | PromiseLike<I>,
    options?: MapOptions<A>,
  ): TaskFuture<Awaited<R>> {
    return this.#start(fn, [input], options, "callAsync").tasks[0] as TaskFuture<Awaited<R>>
  }

  /** Ends the workers; what still runs is cancelled. Can be called again. */
  close(): Promise<void> {
    this.#closing ??= this.#scheduler.close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start<I, R, A extends readonly unknown[]>(
    fn: TaskFunction<I, A, R>,
    inputs: Inputs<I>,
    options: MapOptions<A> | undefined,
    method: string,
  ): Job<Awaited<R>> {
    if (this.#closing !== undefined)
      throw new TypeError(`This ${this.constructor.name} is closed: make a new one.`)
    if (typeof fn !== "function")
      throw new TypeError(`${method} takes a function, but got ${fn === null ? "null" : typeof fn}.`)
    const { signal = defaultSignal(), extraArgs, ...rest } = options ?? {}
    checkOptions(signal, extraArgs, method)
    const resolved = parseOptions(jobOptions, rest, method)
    const captured: Captured = capture(fn)
    const core = new JobCore({
      name: resolved.name ?? (fn.name || "anonymous"),
      captured,
      inputs,
      options: resolved,
      extraArgs:
        extraArgs === undefined || extraArgs.length === 0
          ? undefined
          : captured.codec.encode(extraArgs, "extraArgs"),
      host: this.#scheduler,
    })
    const job = new Job<Awaited<R>>(core, {
      executor: this.constructor.name,
      backend: this.#backend.name,
      workers: this.#backend.workers,
    })
    announceJob(job)
    cancelOn(signal, core)
    if (!core.isSettled) this.#scheduler.wake(core)
    core.checkSettled()
    return job
  }
}

function checkOptions(signal: unknown, extraArgs: unknown, method: string): void {
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError(`Option \`signal\` of ${method} takes an AbortSignal, but got ${typeof signal}.`)
  if (extraArgs !== undefined && !Array.isArray(extraArgs))
    throw new TypeError(`Option \`extraArgs\` of ${method} takes an array, but got ${typeof extraArgs}.`)
}

function cancelOn(signal: AbortSignal | undefined, core: JobCore): void {
  if (signal === undefined) return
  const cancel = () => core.cancel()
  if (signal.aborted) {
    cancel()
    return
  }
  signal.addEventListener("abort", cancel, { once: true })
  void core.whenSettled().then(() => signal.removeEventListener("abort", cancel))
}
