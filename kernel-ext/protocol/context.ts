import type { ObjectStorage } from "./storage.ts"

/** What a task's function gets as its second argument. The same on every executor. */
export interface TaskContext {
  /** Position of the input among the job's inputs. */
  readonly index: number
  /** 1 for the first run; each further run of the same task counts one more. */
  readonly attempt: number
  readonly jobId: string
  /** Aborted when the task is cancelled or runs out of time. A task that goes on regardless loses its worker. */
  readonly signal: AbortSignal
  /** Tells the views how far the task is: `fraction` from 0 to 1. */
  progress(fraction: number, note?: string): void
  /** A number from 0 up to 1. Its sequence depends on the job's seed and the task's index, not on where or when the task runs. */
  random(): number
  /** The object storage of the configuration that the executor was made with. */
  readonly storage: ObjectStorage
  /** Writes a line to the task's log, formatted as `console.log` does. */
  log(...values: unknown[]): void
}
