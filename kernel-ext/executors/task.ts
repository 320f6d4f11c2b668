import { inspect } from "node:util"
import type { TaskState } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"
import type { LogEntry } from "./logs.ts"
import { type TaskStats, taskStatsOf } from "./task-stats.ts"

/**
 * One task of a job: a promise of its result, and what is known of it meanwhile.
 *
 * @example
 * ```ts
 * const task = fexec.callAsync((n: number) => n * 2, 21)
 * await task  // 42
 * task.stats.runMs
 * ```
 */
export class TaskFuture<R> implements PromiseLike<R> {
  readonly index: number
  readonly #core: JobCore

  constructor(core: JobCore, index: number) {
    this.#core = core
    this.index = index
  }

  get jobId(): string {
    return this.#core.id
  }

  get state(): TaskState {
    return this.#core.table.stateOf(this.index)
  }

  /** Console output so far, in order. */
  get logs(): readonly LogEntry[] {
    return this.#core.logs.of(this.index)
  }

  /** Why it has no result: a TaskError (or one of its kinds) or a CancelledError; undefined otherwise. */
  get error(): Error | undefined {
    return this.#core.errorOf(this.index)
  }

  get progress(): { readonly fraction: number; readonly note: string | undefined } | undefined {
    return this.#core.progress.get(this.index)
  }

  get stats(): TaskStats {
    return taskStatsOf(this.#core.table, this.index)
  }

  /** Ends this task; the others of its job go on. */
  cancel(): void {
    this.#core.cancel([this.index])
  }

  /** Resolves when the task has settled, whichever way. */
  settled(): Promise<void> {
    return this.#core.whenTaskSettled(this.index)
  }

  // biome-ignore lint/suspicious/noThenProperty: a task is awaited like a promise.
  then<A = R, B = never>(
    onDone?: ((value: R) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#core
      .whenTaskSettled(this.index)
      .then((): R => {
        const error = this.error
        if (error !== undefined) throw error
        return this.#core.results[this.index] as R
      })
      .then(onDone, onFailed)
  }

  catch<B = never>(onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<R | B> {
    return this.then(undefined, onFailed)
  }

  finally(onSettled?: (() => void) | null): Promise<R> {
    return this.then().finally(onSettled)
  }

  get [Symbol.toStringTag](): string {
    return "TaskFuture"
  }

  [inspect.custom](): string {
    const said = this.state === "failed" ? this.error?.message : `Task ${this.index} ${this.state}`
    return `${said} (job ${this.jobId} \`${this.#core.name}\`)`
  }
}

/** The tasks of a job. A task is an object only once someone looks at it. */
export interface TaskList<R> extends Iterable<TaskFuture<R>> {
  readonly length: number
  readonly [index: number]: TaskFuture<R>
  at(index: number): TaskFuture<R> | undefined
  map<T>(turn: (task: TaskFuture<R>, index: number) => T): T[]
  filter(keep: (task: TaskFuture<R>, index: number) => boolean): TaskFuture<R>[]
}

export function taskList<R>(core: JobCore): TaskList<R> {
  const made = new Map<number, TaskFuture<R>>()
  const get = (index: number): TaskFuture<R> | undefined => {
    if (!Number.isInteger(index) || index < 0 || index >= core.table.size) return undefined
    let task = made.get(index)
    if (task === undefined) {
      task = new TaskFuture(core, index)
      made.set(index, task)
    }
    return task
  }
  function* all(): IterableIterator<TaskFuture<R>> {
    for (let index = 0; index < core.table.size; index++) yield get(index) as TaskFuture<R>
  }
  const methods = {
    get length() {
      return core.table.size
    },
    at: (index: number) => get(index < 0 ? core.table.size + index : index),
    map: <T>(turn: (task: TaskFuture<R>, index: number) => T) => Array.from(all(), turn),
    filter: (keep: (task: TaskFuture<R>, index: number) => boolean) => Array.from(all()).filter(keep),
    [Symbol.iterator]: all,
  }
  return new Proxy(methods as unknown as TaskList<R>, {
    get: (target, key) =>
      typeof key === "string" && /^\d+$/.test(key) ? get(Number(key)) : Reflect.get(target, key),
  })
}
