import type { ControlReply, FromWorker, LogStream, Sending } from "../../protocol/worker.ts"
import type { Isolation, TaskBatch } from "../backend.ts"

/** What a batch needs its worker to be; a worker stays what it is. */
export interface WorkerKind {
  readonly isolation: Isolation
  readonly memoryMiB: number | undefined
}

export function kindOf({
  isolation = "process",
  memoryMiB,
}: Pick<TaskBatch, "isolation" | "memoryMiB">): WorkerKind {
  return { isolation, memoryMiB }
}

/** A worker as its slot sees it, in whatever it runs. */
export interface WorkerLink {
  /** What tasks and messages call it: "localhost:4711". */
  readonly name: string
  /** All of them leave together. */
  send(...sendings: readonly Sending[]): void
  /** Asks which task runs, also while user code blocks the worker. */
  probe(answered: (reply: ControlReply) => void): void
  /** Tasks sent in this epoch or before that have not begun, from `next` of the answer on, never will. */
  takeBack(epoch: number, answered: (reply: ControlReply) => void): void
  /** Ends it at once. `because` is what its tasks are told unless the worker had its own reason first. */
  kill(because: string): void
  /** Lets an idle worker end by itself. */
  retire(): void
  /** Whether it keeps this process alive: a script that forgets to close its executor still ends. */
  hold(on: boolean): void
}

/** What all worker processes of a backend have in common. */
export interface WorkerProgram {
  /** Begins the names of workers: "localhost". */
  readonly host: string
  readonly env: Readonly<Record<string, string>>
  /** File that Node runs, and its arguments. */
  readonly command: readonly string[]
}

export interface WorkerListener {
  message(message: FromWorker, parts: readonly Uint8Array[]): void
  /** Written past the console: by native code, or by child processes of a task. */
  rawOutput(stream: LogStream, text: string): void
  /** Comes once, after the last message. */
  gone(end: WorkerEnd): void
}

export interface WorkerEnd {
  /** Follows "the process" or "the thread". */
  readonly reason: string
  /** Whether the reason is one that what the worker said itself does not replace: we ended it, or it ran out of memory. */
  readonly isFinal: boolean
  /** Position of the task that ran, where that can be seen. */
  readonly position?: number | undefined
  /** Where a signal ended it: that says nothing of whether the next one can start. */
  readonly wasKilled: boolean
}
