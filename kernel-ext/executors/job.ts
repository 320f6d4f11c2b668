import { inspect } from "node:util"
import { CancelledError, JobError, TaskError } from "../errors.ts"
import type { TaskState } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"
import { type JobManifest, type ManifestOptions, manifestOf } from "./manifest.ts"
import type { JobView, TaskDescription, TaskHere } from "./observe.ts"
import { type Picture, type PlotKind, plotOf } from "./plot.ts"
import { type JobStats, statsOf } from "./stats.ts"
import { type TaskFuture, type TaskList, taskList } from "./task.ts"
import { takeHere } from "./task-here.ts"

/** What a job tells of the place it runs in. */
export interface JobPlace {
  readonly executor: string
  readonly backend: string
  readonly workers: number
}

/**
 * A map in progress: a promise of all results in the order of the inputs, and a handle on its tasks.
 *
 * @example
 * ```ts
 * const job = fexec.map((n: number) => n ** 2, [1, 2, 3])
 * for await (const task of job) console.log(task.index, await task)   // as they complete
 * await job                                                           // [1, 4, 9]
 * ```
 */
export class Job<R> implements PromiseLike<R[]>, AsyncIterable<TaskFuture<R>>, JobView {
  readonly #core: JobCore
  readonly #place: JobPlace
  readonly #fn: CallableFunction
  #tasks: TaskList<R> | undefined

  constructor(core: JobCore, place: JobPlace, fn: CallableFunction) {
    this.#core = core
    this.#place = place
    this.#fn = fn
  }

  get tasks(): TaskList<R> {
    this.#tasks ??= taskList(this.#core)
    return this.#tasks
  }

  get id(): string {
    return this.#core.id
  }

  get name(): string {
    return this.#core.name
  }

  get executor(): string {
    return this.#place.executor
  }

  get backend(): string {
    return this.#place.backend
  }

  get workers(): number {
    return Math.min(this.#place.workers, this.#core.options.concurrency ?? Number.POSITIVE_INFINITY)
  }

  get size(): number {
    return this.#core.table.size
  }

  get sized(): boolean {
    return this.#core.inputs.complete
  }

  get states(): Uint8Array {
    return this.#core.table.states
  }

  get counts(): Readonly<Record<TaskState, number>> {
    return this.#core.counts
  }

  get startedAtMs(): number {
    return this.#core.startedAtMs
  }

  get endedAtMs(): number | undefined {
    return this.#core.endedAtMs
  }

  /** What it has cost up to now, in US dollars; undefined where the backend does not tell. */
  get costUsd(): number | undefined {
    return this.#core.costUsd
  }

  /** Bytes of the inputs on their way to workers; further attempts count again. */
  get bytesSent(): number {
    return this.#core.bytesIn
  }

  /** Bytes of the results on their way back. */
  get bytesReceived(): number {
    return this.#core.bytesOut
  }

  /** Ends the job, or only these tasks: queued ones at once, running ones by `ctx.signal` and then with their worker. */
  cancel(indices?: readonly number[]): void {
    this.#core.cancel(indices)
  }

  /** Runs failed and cancelled tasks again, all or only these; what is done is kept. Returns this job. */
  retry(indices?: readonly number[]): this {
    this.#core.retry(indices)
    return this
  }

  observe(listener: (indices: ArrayLike<number>) => void): () => void {
    return this.#core.observe(listener)
  }

  /** Every outcome in the order of the inputs, as `Promise.allSettled` gives them. Never rejects. */
  async settled(): Promise<PromiseSettledResult<R>[]> {
    const core = this.#core
    await core.whenSettled()
    return Array.from({ length: core.table.size }, (_, index) =>
      core.table.stateOf(index) === "done"
        ? { status: "fulfilled", value: core.results[index] as R }
        : { status: "rejected", reason: core.errorOf(index) },
    )
  }

  /** Counts and times up to now. */
  stats(): JobStats {
    return statsOf(this.#core, this.workers)
  }

  /** What the results depend on, and hashes of them: the job as it is now. */
  manifest(options?: ManifestOptions): JobManifest {
    return manifestOf(this.#core, this.#place, options)
  }

  /** A picture of the job up to now: what ran where and when, or how long tasks took. */
  plot(kind: PlotKind = "timeline"): Promise<Picture> {
    return plotOf(this.#core, kind)
  }

  // biome-ignore lint/suspicious/noThenProperty: a job is awaited like a promise.
  then<A = R[], B = never>(
    onDone?: ((results: R[]) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#core
      .whenSettled()
      .then(() => this.#results())
      .then(onDone, onFailed)
  }

  catch<B = never>(onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<R[] | B> {
    return this.then(undefined, onFailed)
  }

  finally(onSettled?: (() => void) | null): Promise<R[]> {
    return this.then().finally(onSettled)
  }

  /** Tasks as they settle, those that have settled already first. */
  [Symbol.asyncIterator](): AsyncIterableIterator<TaskFuture<R>> {
    const core = this.#core
    let seen = 0
    // Not a generator: `yield` would await the task and hand out its result in its place.
    return {
      next: async () => {
        while (seen >= core.settling.length) {
          if (core.isSettled) return { done: true, value: undefined }
          await core.settling.untilNext()
        }
        return { done: false, value: this.tasks[core.settling.order[seen++] ?? 0] as TaskFuture<R> }
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  describe(index: number): TaskDescription | undefined {
    const core = this.#core
    const task = this.tasks.at(index)
    if (task === undefined || index < 0) return undefined
    const { attempt, worker, queuedAtMs, startedAtMs, endedAtMs } = task.stats
    const { state, logs, progress, error } = task
    return {
      index,
      state,
      attempt,
      worker,
      queuedAtMs,
      startedAtMs,
      endedAtMs,
      input: line(core.inputs.get(index)),
      result: state === "done" ? line(core.results[index]) : undefined,
      progress,
      logs,
      error: error === undefined ? undefined : shownError(error),
    }
  }

  /** What it takes to run a task in this process; `taskHere` gives the same by the job's id. */
  here(index: number): TaskHere | undefined {
    return takeHere(this.#core, this.#fn, index)
  }

  get [Symbol.toStringTag](): string {
    return "Job"
  }

  [inspect.custom](): string {
    const { done, failed, cancelled } = this.counts
    const parts = [`${done} of ${this.size}${this.sized ? "" : "+"} done`]
    if (failed > 0) parts.push(`${failed} failed`)
    if (cancelled > 0) parts.push(`${cancelled} cancelled`)
    return `Job ${this.id} \`${this.name}\` on ${this.executor}: ${parts.join(", ")}`
  }

  #results(): R[] {
    const core = this.#core
    const { done, failed, cancelled } = core.counts
    const size = core.table.size
    if (core.inputError !== undefined) throw core.inputError
    if (failed > 0) {
      const indices = core.failedIndices
      const errors = indices.map((index) => core.errorOf(index) ?? new Error(`Task ${index} failed.`))
      const others = cancelled > 0 ? `${done} done, ${cancelled} cancelled` : `${done} done`
      const message = `${failed} of ${size} tasks of \`${core.name}\` failed (${others}). ${errors[0]?.message}`
      throw new JobError(message, { jobId: core.id, errors, cause: errors[0] })
    }
    if (cancelled > 0 || core.inputsCut)
      throw new CancelledError(
        `\`${core.name}\` was cancelled when ${done} of ${size}${core.inputsCut ? " or more" : ""} tasks were done.`,
      )
    return core.results.slice() as R[]
  }
}

const longestLine = 200

/** A value in one short line; whatever its own `inspect` or getters do. */
function line(value: unknown): string | undefined {
  try {
    const text = inspect(value, {
      depth: 2,
      maxArrayLength: 10,
      maxStringLength: longestLine,
      breakLength: Number.POSITIVE_INFINITY,
      compact: true,
    }).replaceAll("\n", " ")
    return text.length > longestLine ? `${text.slice(0, longestLine - 1)}…` : text
  } catch {
    return undefined
  }
}

/** A view names what was thrown; that it was a task, and which, is plain there. */
function shownError(error: Error): NonNullable<TaskDescription["error"]> {
  const stack = error.stack ?? error.message
  if (!(error instanceof TaskError)) return { name: error.name, message: error.message, stack }
  return { name: error.details.remoteName, message: error.details.remoteMessage, stack }
}
