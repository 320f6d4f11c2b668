import type { Encoded, Shipment } from "../capture/types.ts"

/** The contract between the executor layer and a place where tasks run. One conformance suite holds it: test/conformance/backend.ts. */

export interface Backend {
  /** "localhost", "aws_lambda", …: the word used in options, messages and views. */
  readonly name: string
  readonly supports: BackendSupport
  /** Workers it can run at once now. */
  readonly workers: number
  /** Deploys or connects; cheap when that was done before. */
  open(signal: AbortSignal): Promise<void>
  /**
   * Runs the batch's tasks and reports through `events`. Resolves when each task was reported as ended or lost;
   * rejects with a BackendError only where no task of the batch could be started.
   */
  run(batch: TaskBatch, events: BatchEvents, signal: AbortSignal): Promise<void>
  /** Removes what earlier runs left behind. */
  clean(scope: "job" | "all"): Promise<void>
  /** Ends workers and connections. Idempotent. */
  close(): Promise<void>
}

export interface BackendSupport {
  readonly cancel: boolean
  readonly logs: boolean
  readonly progress: boolean
  readonly reattach: boolean
}

/** Tasks that travel together over one function; the executor chooses the batch's size. */
export interface TaskBatch {
  readonly jobId: string
  readonly shipment: Shipment
  readonly seed: number
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number | undefined
  readonly tasks: readonly { readonly index: number; readonly attempt: number }[]
  /** Inputs of the tasks, in their order: `codec.encodeEach`. */
  readonly inputs: Encoded
  readonly extraArgs: Encoded | undefined
}

/** Told by the backend as it happens; every call is about a task of the batch, by its index. */
export interface BatchEvents {
  started(index: number, worker: string, atMs: number): void
  log(index: number, stream: "stdout" | "stderr", text: string): void
  progress(index: number, fraction: number, note: string | undefined): void
  ended(index: number, outcome: TaskOutcome): void
}

export type TaskOutcome =
  | { readonly kind: "done"; readonly result: Encoded; readonly stats: TaskStats }
  | {
      readonly kind: "threw"
      readonly name: string
      readonly message: string
      readonly stack: string
      readonly error: Encoded | undefined
      readonly stats: TaskStats
    }
  /** The worker went away; `reason` is for people: "exited with code 1", "was killed by SIGKILL". */
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "timedOut" }
  | { readonly kind: "cancelled" }

export interface TaskStats {
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly cpuMs: number
  readonly peakMemoryBytes: number
}
