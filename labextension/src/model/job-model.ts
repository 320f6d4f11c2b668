import { applyPatch, decodeRuns, maxTasks } from "../../../kernel-ext/protocol/job-states.ts"
import type {
  JobSummary,
  SavedJob,
  TaskDetails,
  ViewCommand,
  ViewMessage,
} from "../../../kernel-ext/protocol/job-view.ts"
import { settledCount } from "../../../kernel-ext/protocol/job-words.ts"
import { RateMeter } from "./rate.ts"

/**
 * One job as this page knows it. It begins as what the notebook saved, becomes live when the kernel answers, and stays
 * as it was last seen when the kernel goes.
 */

/**
 * - saved: nobody was asked yet, or there is no kernel
 * - live: the kernel sends what happens
 * - gone: the kernel that ran it does not know it (any more): what had not ended never will
 */
export type Liveness = "saved" | "live" | "gone"

/** When tasks ran, in ms after the job's start; `end` is NaN for what still runs. */
export interface TaskTimes {
  readonly workers: readonly string[]
  readonly sampled: boolean
  readonly index: Uint32Array
  readonly start: Float32Array
  readonly end: Float32Array
  readonly worker: Uint16Array
}

export type JobChange =
  | { readonly kind: "states" }
  | { readonly kind: "liveness" }
  | { readonly kind: "task"; readonly task: TaskDetails; readonly watched: boolean }
  | { readonly kind: "times"; readonly times: TaskTimes }
  | { readonly kind: "cell"; readonly code: string }
  | { readonly kind: "picture"; readonly bundle: Extract<ViewMessage, { type: "picture" }> }

/** No word to the kernel that patches arrive more often than this. */
const receiptIntervalMs = 1000

export class JobModel {
  readonly #listeners = new Set<(change: JobChange) => void>()
  readonly #rate = new RateMeter()
  #summary: JobSummary
  #states: Uint8Array
  #liveness: Liveness = "saved"
  #seenAtMs: number
  #clockAheadMs = 0
  #sequence = -1
  #receiptAtMs = 0
  #send: ((command: ViewCommand) => void) | undefined
  /** Patches that came after one was missed; for tests of the wire. */
  gaps = 0
  patches = 0

  constructor(saved: SavedJob) {
    this.#summary = saved
    this.#states = statesOf(saved)
    this.#seenAtMs = saved.savedAtMs
  }

  get summary(): JobSummary {
    return this.#summary
  }

  /** At least `summary.size` long. Do not write. */
  get states(): Uint8Array {
    return this.#states
  }

  get liveness(): Liveness {
    return this.#liveness
  }

  /** The job's time now, on the kernel's clock; where it is not live, when it was last seen. */
  get nowMs(): number {
    return this.#liveness === "live" ? Date.now() + this.#clockAheadMs : this.#seenAtMs
  }

  get elapsedMs(): number {
    return Math.max(0, (this.#summary.endedAtMs ?? this.nowMs) - this.#summary.startedAtMs)
  }

  /** Tasks that ended per second, lately; undefined while that says nothing. */
  get tasksPerSecond(): number | undefined {
    return this.#rate.perSecond
  }

  observe(listener: (change: JobChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whoever speaks with the kernel. Commands before that are dropped: the buttons are off then. */
  connect(send: (command: ViewCommand) => void): void {
    this.#send = send
    this.#sequence = -1
  }

  disconnect(liveness: "saved" | "gone"): void {
    this.#seenAtMs = this.nowMs
    this.#send = undefined
    this.#setLiveness(liveness)
  }

  send(command: ViewCommand): void {
    this.#send?.(command)
  }

  /** Takes what the notebook holds now, unless the kernel itself is telling. */
  showSaved(saved: SavedJob): void {
    if (this.#liveness === "live" || saved.savedAtMs < this.#seenAtMs) return
    this.#summary = saved
    this.#states = statesOf(saved)
    this.#seenAtMs = saved.savedAtMs
    this.#emit({ kind: "states" })
  }

  receive(message: ViewMessage, buffers: readonly Uint8Array[]): void {
    switch (message.type) {
      case "full":
        this.#receiveFull(message, buffers)
        break
      case "patch":
        this.#receivePatch(message, buffers[0])
        break
      case "unknown":
        this.disconnect("gone")
        break
      case "task":
        this.#emit({ kind: "task", task: message.task, watched: message.watched })
        break
      case "times":
        this.#emit({ kind: "times", times: timesOf(message, buffers) })
        break
      case "picture":
        this.#emit({ kind: "picture", bundle: message })
        break
      case "cell":
        this.#emit({ kind: "cell", code: message.code })
        break
      case "jobs":
        break
      default:
        message satisfies never
    }
  }

  #receiveFull(message: Extract<ViewMessage, { type: "full" }>, buffers: readonly Uint8Array[]): void {
    this.#states = new Uint8Array(Math.min(message.job.size, maxTasks))
    this.#states.set((buffers[0] ?? new Uint8Array(0)).subarray(0, this.#states.length))
    this.#sequence = message.sequence
    this.#rate.clear()
    this.#take(message)
    this.#setLiveness("live")
  }

  #receivePatch(message: Extract<ViewMessage, { type: "patch" }>, patch: Uint8Array | undefined): void {
    if (this.#sequence < 0) return
    if (message.sequence !== this.#sequence + 1) {
      this.#resync()
      return
    }
    this.#sequence = message.sequence
    this.patches++
    this.#grow(message.job.size)
    try {
      if (patch !== undefined) applyPatch(this.#states, patch)
    } catch {
      this.#resync()
      return
    }
    this.#take(message)
    this.#sayReceived()
  }

  #take(message: { readonly nowMs: number; readonly job: JobSummary }): void {
    this.#summary = message.job
    this.#seenAtMs = message.nowMs
    this.#clockAheadMs = message.nowMs - Date.now()
    this.#rate.add(message.nowMs, settledCount(message.job.counts))
    this.#emit({ kind: "states" })
  }

  #resync(): void {
    this.gaps++
    this.#sequence = -1
    this.#send?.({ type: "resync" })
  }

  #sayReceived(): void {
    if (Date.now() - this.#receiptAtMs < receiptIntervalMs) return
    this.#receiptAtMs = Date.now()
    this.#send?.({ type: "received", sequence: this.#sequence })
  }

  /** Room for a job whose inputs are still being read. */
  #grow(size: number): void {
    if (size <= this.#states.length) return
    const states = new Uint8Array(Math.min(maxTasks, Math.max(size, this.#states.length * 2)))
    states.set(this.#states)
    this.#states = states
  }

  #setLiveness(liveness: Liveness): void {
    if (this.#liveness === liveness) return
    this.#liveness = liveness
    this.#emit({ kind: "liveness" })
  }

  #emit(change: JobChange): void {
    for (const listener of this.#listeners) listener(change)
  }
}

/** States that do not fit their own count (edited by hand?) are drawn as queued rather than not at all. */
function statesOf(saved: SavedJob): Uint8Array {
  try {
    return decodeRuns(saved.states, saved.size)
  } catch {
    return new Uint8Array(saved.size)
  }
}

function timesOf(
  message: Extract<ViewMessage, { type: "times" }>,
  buffers: readonly Uint8Array[],
): TaskTimes {
  const copy = (at: number) => (buffers[at] ?? new Uint8Array(0)).slice().buffer
  return {
    workers: message.workers,
    sampled: message.sampled,
    index: new Uint32Array(copy(0)),
    start: new Float32Array(copy(1)),
    end: new Float32Array(copy(2)),
    worker: new Uint16Array(copy(3)),
  }
}
