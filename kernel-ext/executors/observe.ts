import type { CleanScope, WorkerState } from "../backends/backend.ts"
import type { TaskContext } from "../protocol/context.ts"
import type { TaskState } from "../protocol/task.ts"
import type { Cleaned } from "../storage/temporary.ts"

/**
 * The window through which views (grid, panel, progress line) see executors. Executors do not know who looks:
 * `onJob` listeners are told of every job of this process as it begins.
 */

/** A job as a view sees it. All reads are of the present; nothing here blocks or throws. */
export interface JobView {
  readonly id: string
  /** The function's name, or the `name` option. */
  readonly name: string
  /** "LocalhostExecutor", … */
  readonly executor: string
  /** "localhost", … */
  readonly backend: string
  /** Workers the job may use now. */
  readonly workers: number
  /** Tasks known so far; grows while an iterable is still being read. */
  readonly size: number
  /** False while inputs may still be added. */
  readonly sized: boolean
  /** State codes by task index; at least `size` long, the same memory may be replaced as it grows. Do not write. */
  readonly states: Uint8Array
  readonly counts: Readonly<Record<TaskState, number>>
  readonly startedAtMs: number
  /** When all tasks had settled; a retry clears it. */
  readonly endedAtMs: number | undefined
  /** Inputs on their way to workers and results on their way back, up to now. */
  readonly bytesSent?: number
  readonly bytesReceived?: number
  /** What it cost up to now, in US dollars, where the backend can tell. */
  readonly costUsd?: number | undefined
  /** What one task shows when opened; undefined where there is no such task. */
  describe(index: number): TaskDescription | undefined
  /**
   * Calls `listener` with the indices of tasks whose state, progress or log may have changed; with none where the job itself has. The
   * array is the caller's no longer than the call. Returns the way to stop.
   */
  observe(listener: (indices: ArrayLike<number>) => void): () => void
  /** Cancels the whole job, or these tasks. */
  cancel(indices?: readonly number[]): void
  /** Queues failed and cancelled tasks again: all, or these. */
  retry(indices?: readonly number[]): void
  /** What its results depend on, for the notebook to keep; `brief`: without what takes more than some milliseconds. */
  manifest?(options: { readonly brief: true }): object
  /** What it takes to run a task in this process; undefined where there is no such task. */
  here?(index: number): TaskHere | undefined
}

/** A task taken out of its job, to be run and debugged in this process. */
export interface TaskHere {
  // biome-ignore lint/suspicious/noExplicitAny: whoever writes the call knows what the function takes.
  readonly fn: (...args: any[]) => unknown
  /** A copy, as a worker would get it. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly input: any
  /** Random numbers are those the task has in a worker; its log goes to the console, its progress nowhere. */
  readonly ctx: TaskContext
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly extraArgs: any[]
}

export interface TaskDescription {
  readonly index: number
  readonly state: TaskState
  readonly attempt: number
  /** Which worker ran it last, for example "localhost:41233". */
  readonly worker: string | undefined
  readonly queuedAtMs: number
  readonly startedAtMs: number | undefined
  readonly endedAtMs: number | undefined
  /** Input and result in one short line of text, cut with "…". */
  readonly input: string | undefined
  readonly result: string | undefined
  readonly progress: { readonly fraction: number; readonly note: string | undefined } | undefined
  /** Console output, in order. */
  readonly logs: readonly { readonly stream: "stdout" | "stderr"; readonly text: string }[]
  readonly error: { readonly name: string; readonly message: string; readonly stack: string } | undefined
}

/** An executor as a view sees it. */
export interface ExecutorView {
  readonly id: string
  /** "LocalhostExecutor", … */
  readonly kind: string
  readonly backend: string
  readonly workers: number
  readonly idle: number
  /** What the user holds of it. */
  readonly handle: object
  /** Its workers as they are now; undefined where the backend does not tell them apart. */
  workerStates(): readonly WorkerState[] | undefined
  /**
   * Gives back what it holds: cancels what runs, ends workers, removes what earlier runs left behind, in storage that of other kernels
   * only where `scope` is "all". It can be used again. Says what it deleted in storage.
   */
  clean(scope?: CleanScope): Promise<Cleaned>
  /** Ends its workers; what still runs is cancelled. */
  close(): Promise<void>
}

const executors = new Set<ExecutorView>()

/** The executors of this process that are not closed, oldest first. */
export function openExecutors(): readonly ExecutorView[] {
  return [...executors]
}

/** Tells views of an executor until the function that comes back is called. */
export function announceExecutor(executor: ExecutorView): () => void {
  executors.add(executor)
  return () => executors.delete(executor)
}

const jobs = new Map<string, WeakRef<JobView>>()
const forgotten = new FinalizationRegistry<string>((id) => jobs.delete(id))

/** A job of this process that something still refers to. */
export function knownJob(id: string): JobView | undefined {
  return jobs.get(id)?.deref()
}

const listeners = new Set<(job: JobView) => void>()

/** Tells `listener` of each job as it begins, synchronously within the call of `map` or `callAsync`. Returns the way to stop. */
export function onJob(listener: (job: JobView) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function announceJob(job: JobView): void {
  jobs.set(job.id, new WeakRef(job))
  forgotten.register(job, job.id)
  for (const listener of listeners) listener(job)
}
