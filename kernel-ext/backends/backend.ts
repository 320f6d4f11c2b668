import type { PackageBundle } from "../capture/load/packages.ts"
import type { Encoded, Shipment } from "../capture/types.ts"
import type { JobStorage } from "../protocol/storage.ts"
import type { LogStream } from "../protocol/worker.ts"
import type { WorkerCondition } from "../protocol/worker-condition.ts"
import type { Cleaned } from "../storage/temporary.ts"

/**
 * The contract between the executor layer and a place where tasks run. One conformance suite holds it:
 * test/conformance/backend.ts. The executor chooses which tasks travel together and what happens to those that fail;
 * the backend chooses the worker, and says what became of each task.
 */

export interface Backend {
  /** "localhost", "aws_lambda", …: the word used in options, messages and views. */
  readonly name: string
  readonly supports: BackendSupport
  /**
   * Whether workers stand where this machine's files are not. Then batches bring their packages, results come in the
   * portable form, and reading them runs no code.
   */
  readonly remote: boolean
  /** Workers it can run at once now. */
  readonly workers: number
  /** How many of them have nothing to do. */
  readonly idle: number
  /** How long a batch should keep a worker busy, where the way to it is long (default: 10). */
  readonly batchMs?: number
  /**
   * How many batches it takes beyond those that its workers are at, because its queue outlives this process (default: none). They are handed over
   * as soon as it is known how long tasks take.
   */
  readonly ahead?: number
  /** Deploys or connects; cheap when that was done before. */
  open(signal: AbortSignal): Promise<void>
  /** So many tasks are about to come: a backend that starts workers itself can do so meanwhile. A hint, which never throws. */
  expect?(tasks: number, kind: Pick<TaskBatch, "isolation" | "memoryMiB">): void
  /** Takes the batch and returns at once. What becomes of its tasks is told through `events`; only `started` may come before this call has returned. */
  run(batch: TaskBatch, events: BatchEvents): RunningBatch
  /** Nothing of this job comes any more; what was kept for it may go. */
  forget(jobId: string): void
  /**
   * Gives back what runs its tasks: its workers and functions, the machines of its pool ("own"), or all machines that cellfan has made
   * there. What is run later opens it anew.
   */
  clean(scope: CleanScope): Promise<void>
  /**
   * Deletes what jobs have left in storage: that of this backend's jobs and what is past its time, or all of it. Absent where
   * jobs leave nothing there.
   */
  cleanStorage?(scope: CleanScope): Promise<Cleaned>
  /** Its workers as they are now, for views; absent or undefined where it does not tell them apart. */
  workerStates?(): readonly WorkerState[] | undefined
  /** Ends workers and connections. Idempotent. */
  close(): Promise<void>
}

export type CleanScope = "own" | "all"

/** One worker, or one machine that several run on, for views. */
export interface WorkerState {
  /** As tasks name it: "localhost:4711", "i-0abc". */
  readonly name: string
  /** See protocol/worker-condition.ts. */
  readonly state: WorkerCondition
  /** For people, in a few words: why it is lost, what it waits for, what it runs. */
  readonly detail?: string | undefined
  /** What it costs while it exists; absent where it costs nothing of its own. */
  readonly usdPerHour?: number | undefined
}

export interface BackendSupport {
  /** Whether a running task can be ended. Waiting ones always can. */
  readonly cancel: boolean
  readonly logs: boolean
  readonly progress: boolean
  readonly reattach: boolean
  /** Whether `takeBack` gets tasks of a batch that a worker already holds. */
  readonly takeBack: boolean
  /** Whether it can run tasks in threads of this process. Default: false. */
  readonly threads?: boolean
  /** Memory that a task may ask for, in MiB. Default: any. */
  readonly memoryMiB?: { readonly least: number; readonly most: number }
}

/**
 * What keeps a worker apart from this process. A process: whatever a task does to it, this one lives. A thread: it starts
 * sooner, shares SharedArrayBuffers and moves large results, and native code that crashes takes this process along.
 */
export type Isolation = "process" | "thread"

/** Tasks that travel together over one function; the executor chooses the batch's size. */
export interface TaskBatch {
  readonly jobId: string
  /** The job as a whole, for backends that keep it: what it is called, tasks known by now, when it began. */
  readonly job?: { readonly name: string; readonly total: number; readonly startedAtMs: number }
  readonly shipment: Shipment
  readonly seed: number
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number | undefined
  readonly memoryMiB: number | undefined
  /** Where the backend has a choice. Default: "process". */
  readonly isolation?: Isolation
  readonly indices: Uint32Array
  /** Undefined: each runs for the first time. */
  readonly attempts: Uint16Array | undefined
  /** Inputs of the tasks, in their order: `codec.encodeEach`. */
  readonly inputs: Encoded
  /** Which of these are the tasks', where they are some of them only: a part of a batch that runs once more. */
  readonly picks?: Uint32Array | undefined
  /** One array: `codec.encode`. */
  readonly extraArgs: Encoded | undefined
  /** What ctx.storage and references to objects are resolved with. Holds keys: it goes to workers and nowhere else. */
  readonly storage?: JobStorage | undefined
  /** The npm packages that the function imports, in one file; only where the backend is `remote`. */
  readonly packages?: PackageBundle | undefined
}

export interface RunningBatch {
  /** Tasks of it that are not known to have begun. */
  readonly waiting: number
  /** Gives back what has not begun: each such task is told as `returned`. */
  takeBack(): void
  /**
   * Ends these tasks, which the executor no longer waits for. A running one has its signal aborted; if it still runs after
   * `graceMs` its worker is replaced. Waiting ones are returned. Neither is told as ended.
   */
  cancel(indices: readonly number[], graceMs: number): void
}

/**
 * Told by the backend as it happens. Each task of the batch comes exactly once in `done`, `ended` or `returned`, unless it was
 * cancelled; after the last one comes `closed`.
 */
export interface BatchEvents {
  started(index: number, worker: string, atMs: number): void
  log(index: number, stream: LogStream, text: string): void
  progress(index: number, fraction: number, note: string | undefined): void
  done(tasks: DoneTasks): void
  ended(index: number, end: TaskEnd): void
  /**
   * Tasks that come back to be queued again. They have no result and cost no attempt: either they never began, or
   * (`suspect`) their worker died and any one of them may have caused it: they are to run apart from others.
   */
  returned(indices: readonly number[], suspect: boolean): void
  /** Another process has cancelled the job, or these tasks of it. */
  cancelled?(indices?: readonly number[]): void
  /** What is known of the job now, for those who look at it from elsewhere. */
  readonly knowledge?: { isSettled(index: number): boolean; readonly isWhole: boolean }
  /** What the job's tasks have cost since the last word of it, where the backend can tell. */
  spent?(usd: number): void
  /** Nothing more comes. With an error: no task of the batch could be started, and all that were left are to fail with it. */
  closed(error?: Error): void
}

/** Stands in `DoneTasks.indices` for a task that was cancelled, whose result nobody waits for. */
export const noTask = 0xffffffff

/** Tasks that returned, in the order they did. Arrays go by position in `indices`. */
export interface DoneTasks {
  readonly worker: string
  readonly indices: Uint32Array
  /** `codec.decodeEach` of each gives the results of so many further tasks. */
  readonly results: readonly Encoded[]
  readonly startedAtMs: Float64Array
  readonly endedAtMs: Float64Array
  /** What was measured of some: position in `indices`, CPU time in ms, peak memory of the worker in bytes, flat. */
  readonly measured: readonly number[]
  /** The most memory the worker had by the time they ended, for those not in `measured`. */
  readonly peakMemoryBytes?: number
}

export type TaskEnd =
  | {
      readonly kind: "threw"
      readonly worker: string
      readonly name: string
      readonly message: string
      readonly stack: string
      readonly error: Encoded | undefined
      readonly startedAtMs: number
      readonly endedAtMs: number
      /** Undefined where it was not measured. */
      readonly cpuMs?: number | undefined
      readonly peakMemoryBytes?: number | undefined
    }
  /** The worker went away under it; `reason` is for people: "called process.exit(1)", "was killed by SIGKILL". */
  | {
      readonly kind: "lost"
      readonly worker: string
      readonly reason: string
      /** How many workers or machines it has ended by now, where the backend has tried again by itself (default: 1). */
      readonly deaths?: number | undefined
    }
  | {
      readonly kind: "timedOut"
      readonly worker: string
      readonly startedAtMs: number
      /** What it ran into where that was not its own `timeoutMs`; follows "Task 3": "ran after 180 s, …". */
      readonly limit?: string | undefined
    }
