import { BackendError } from "../../errors.ts"
import type { Outcome, Said } from "../../protocol/invocation.ts"
import type { BatchEvents, RunningBatch, TaskBatch } from "../backend.ts"
import { BatchRun } from "../batch-run.ts"
import { type BatchSendings, sendingsOf } from "../sendings.ts"
import { deathOf, outOfMemory, type Retry, retryAfterMs, retryOf, timeoutHint } from "./errors.ts"
import type { CallEnd } from "./invoke.ts"
import type { Sent } from "./payload.ts"

/** What became of a call, for whoever made it. */
export type Next =
  /** Nothing more is to be done for the batch. */
  | "over"
  /** Call again, when there is room. */
  | "again"
  /** Call again after this time. */
  | { readonly afterMs: number; readonly throttled: boolean }

/** What a function has, for messages. */
export interface Limits {
  readonly memoryMiB: number
  readonly timeoutMs: number
}

/** Waits for a call: in the queue, on its way, or between two tries. */
type Phase =
  | { readonly is: "waiting" }
  | {
      readonly is: "called"
      readonly atMs: number
      readonly controller: AbortController
      readonly startTimer: NodeJS.Timeout
    }
  | { readonly is: "pausing" }
  | { readonly is: "over" }

/** Calls that may fail one after the other for reasons that pass. */
const maxFailures = 8

const longestPauseMs = 10_000

/** A call that was not refused by then is taken to have begun. */
const acceptedAfterMs = 25

/** A batch that becomes one call of a function; more, where one is lost. Tasks are counted once whatever comes. */
export class LambdaRun extends BatchRun implements RunningBatch {
  readonly sendings: BatchSendings
  readonly limits: Limits
  /** What is sent with the next call. */
  sent: Sent = "little"
  readonly #owner: RunOwner
  #phase: Phase = { is: "waiting" }
  #failures = 0
  /** What the times of this call are off by, once one is known. */
  #shiftMs: number | undefined

  constructor(batch: TaskBatch, events: BatchEvents, limits: Limits, owner: RunOwner) {
    super(batch, events)
    this.sendings = sendingsOf(batch)
    this.limits = limits
    this.#owner = owner
  }

  get isWaiting(): boolean {
    return this.#phase.is === "waiting"
  }

  get isClosed(): boolean {
    return this.#phase.is === "over"
  }

  get waiting(): number {
    return this.isWaiting ? this.limit - this.reported : 0
  }

  /** What was not called yet goes back. */
  takeBack(): void {
    if (!this.isWaiting) return
    this.cut(this.reported)
    this.close()
  }

  /** A call cannot be ended: after `graceMs` nobody waits for it any more, and its other tasks run in another one. */
  cancel(indices: readonly number[], graceMs: number): void {
    if (this.isClosed || !this.dropAll(indices)) return
    if (this.#phase.is !== "called") {
      this.#giveUp()
      return
    }
    this.#owner.leftRunning(this)
    let others = false
    for (let offset = this.reported; offset < this.limit; offset++) others ||= !this.isDropped(offset)
    if (others) setTimeout(() => this.#giveUp(), graceMs).unref()
    else this.#giveUp()
  }

  /** Begins a call. Its signal is aborted when nobody waits for the answer any more. */
  called(): AbortSignal {
    const controller = new AbortController()
    const atMs = Date.now()
    const startTimer = setTimeout(() => {
      if (!this.isOver) this.events.started(this.indexAt(this.reported), "aws_lambda", atMs)
    }, acceptedAfterMs)
    this.#phase = { is: "called", atMs, controller, startTimer }
    this.#shiftMs = undefined
    return controller.signal
  }

  hear({ message, parts }: Said, worker: string): void {
    if (this.isClosed) return
    if (message.type === "report") this.report(message, this.#inOurTime(parts), worker)
    else if (message.type === "log") this.events.log(message.index, message.stream, message.text)
    else if (message.type === "progress") this.events.progress(message.index, message.fraction, message.note)
  }

  /** The call has ended. Says what is to be done next. */
  answered(call: CallEnd): Next {
    if (this.#phase.is === "called") clearTimeout(this.#phase.startTimer)
    if (this.isClosed) return "over"
    this.#phase = { is: "waiting" }
    switch (call.kind) {
      case "answered":
        return this.#settle(call.end.outcome, call.environment)
      case "died": {
        const death = deathOf(call.payload, call.logTail, this.limits)
        if (death.kind === "init") return this.fail(initError(death.reason))
        if (death.kind === "timeout") this.#tookAllTime("aws_lambda")
        else this.#lost(undefined, death.reason, "aws_lambda")
        return this.close()
      }
      case "failed":
        // Some of it has come: the rest is for another call, which begins at another task.
        if (this.reported > 0) {
          this.cut(this.reported)
          return this.close()
        }
        return this.#afterError(call.error)
    }
  }

  pause(): void {
    this.#phase = { is: "pausing" }
  }

  resume(): void {
    if (this.#phase.is === "pausing") this.#phase = { is: "waiting" }
  }

  /** Tells that nothing more comes. */
  close(error?: Error): "over" {
    if (this.isClosed) return "over"
    if (this.#phase.is === "called") clearTimeout(this.#phase.startTimer)
    this.#phase = { is: "over" }
    this.events.closed(error)
    return "over"
  }

  /** No further call would do better: the tasks that are left fail with the error. */
  fail(error: Error): "over" {
    return this.close(error)
  }

  /** Clocks of instances may be off by what they were frozen: tasks are told as having run within their call. */
  #inOurTime(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    const [bytes, ...others] = parts
    if (bytes === undefined || bytes.byteLength % 8 !== 0 || this.#phase.is !== "called") return parts
    const times = new Float64Array(bytes.slice().buffer)
    const [first = 0, last = 0] = [times[0], times.at(-1)]
    const { atMs } = this.#phase
    this.#shiftMs ??= first < atMs ? atMs - first : Math.min(0, Date.now() - last)
    const shiftMs = this.#shiftMs
    return [new Uint8Array(times.map((time) => time + shiftMs).buffer), ...others]
  }

  #giveUp(): void {
    if (this.isClosed) return
    if (this.#phase.is === "called") this.#phase.controller.abort()
    this.cut(this.reported)
    this.close()
  }

  #settle(outcome: Outcome, worker: string): Next {
    switch (outcome.kind) {
      case "missing":
        if (this.sent === "all") return this.fail(refused("it lacks what it was just sent"))
        this.sent = "all"
        return "again"
      case "refused":
        return this.fail(refused(outcome.problem))
      case "tooLarge":
        this.#tooLarge(outcome, worker)
        break
      case "timedOut":
        if (outcome.limit === "function") this.#tookAllTime(worker)
        else this.#timedOut(outcome.offset, outcome.startedAtMs, worker)
        break
      case "lost": {
        const isMemory = outcome.reason === "ran out of memory"
        this.#lost(outcome.offset, isMemory ? outOfMemory(this.limits.memoryMiB) : outcome.reason, worker)
        break
      }
      case "ran":
        // It says so, and did not report all: some answer of it was lost.
        this.cut(this.reported)
        break
    }
    return this.close()
  }

  /** The task has had its time; those after it have not begun. */
  #timedOut(offset: number, startedAtMs: number, worker: string, limit?: string): void {
    if (offset < this.reported || offset >= this.limit) {
      this.cut(this.reported)
      return
    }
    this.cut(offset + 1)
    if (!this.isDropped(offset))
      this.events.ended(this.indexAt(offset), { kind: "timedOut", worker, startedAtMs, limit })
    this.limit = offset
    this.cut(this.reported)
  }

  /** The function's time is up. A task that had all of it to itself has failed; others run again, apart. */
  #tookAllTime(worker: string): void {
    const isAlone = this.limit - this.reported === 1 && this.reported === 0
    if (!isAlone) this.cut(this.reported, true)
    else this.#timedOut(0, Date.now(), worker, `was still running ${timeoutHint(this.limits.timeoutMs)},`)
  }

  /** The worker died under the task; where it is not known which one that was, all that may have begun are suspect. */
  #lost(known: number | undefined, reason: string, worker: string): void {
    const offset = known ?? (this.limit - this.reported === 1 ? this.reported : undefined)
    if (offset === undefined || offset < this.reported || offset >= this.limit) {
      this.cut(this.reported, true)
      return
    }
    this.cut(offset + 1)
    if (!this.isDropped(offset)) this.events.ended(this.indexAt(offset), { kind: "lost", worker, reason })
    this.limit = offset
    this.cut(this.reported)
  }

  #tooLarge({ sizeBytes, problem }: { sizeBytes: number; problem: string }, worker: string): void {
    if (this.limit - this.reported > 1) {
      this.cut(this.reported, true)
      return
    }
    const atMs = Date.now()
    const message = `the result has ${(sizeBytes / 1e6).toFixed(1)} MB, Lambda's answers have room for 4.7, and storage did not take it: ${problem}`
    const ended = { startedAtMs: atMs, endedAtMs: atMs, stack: "", error: undefined }
    this.events.ended(this.indexAt(this.reported), {
      kind: "threw",
      worker,
      name: "RangeError",
      message,
      ...ended,
    })
    this.limit = this.reported
  }

  #afterError(error: BackendError): Next {
    const retry: Retry = retryOf[error.kind]
    if (retry === "never") return this.fail(error)
    if (retry === "backOff") return { afterMs: retryAfterMs(error), throttled: true }
    if (++this.#failures > maxFailures) return this.fail(error)
    const pauseMs = Math.min(longestPauseMs, this.#owner.firstPauseMs * 2 ** (this.#failures - 1))
    return { afterMs: pauseMs * (0.5 + Math.random() / 2), throttled: false }
  }
}

export interface RunOwner {
  /** Before a call is made again that failed; doubles with each further one. */
  readonly firstPauseMs: number
  /** Nobody waits any more for a call that Lambda goes on with. */
  leftRunning(run: LambdaRun): void
}

function refused(problem: string): BackendError {
  return new BackendError(`The function on Lambda refused a call: ${problem}.`, {
    backend: "aws_lambda",
    kind: "other",
    retryable: false,
  })
}

function initError(reason: string): BackendError {
  return new BackendError(`The function on Lambda ${reason}.`, {
    backend: "aws_lambda",
    kind: "init",
    retryable: false,
  })
}
