import { BackendError } from "../../errors.ts"
import type { Outcome, Said } from "../../protocol/invocation.ts"
import type { BatchEvents, RunningBatch, TaskBatch } from "../backend.ts"
import { type BatchSendings, sendingsOf } from "../sendings.ts"
import { outOfMemory, roomInMb, timeoutHint } from "./hints.ts"
import type { Sent } from "./payload.ts"
import type { CallEnd, FunctionSize, Platform } from "./platform.ts"
import { heededMs, maxCrashes, maxFailures, pauseMs, retryOf } from "./retry.ts"
import { TasksOfCall } from "./tasks-of-call.ts"

/** What became of a call, for whoever made it. */
export type Next =
  /** Nothing more is to be done for the batch. */
  | "over"
  /** Call again, when there is room. */
  | "again"
  /** Call again, when the function was made anew. */
  | "redeploy"
  /** Call again after this time. */
  | { readonly afterMs: number; readonly throttled: boolean }

/** Waits for a call: in the queue, on its way, or between two tries. */
type Phase =
  | { readonly is: "waiting" }
  | {
      readonly is: "called"
      readonly atMs: number
      readonly controller: AbortController
      /** Undefined once the task was said to have begun. */
      readonly startTimer: NodeJS.Timeout | undefined
    }
  | { readonly is: "pausing" }
  | { readonly is: "over" }

/** A call that was not refused by then is taken to have begun. */
const acceptedAfterMs = 25

export interface RunOwner {
  readonly platform: Pick<Platform, "name" | "title" | "limits">
  /** Before a call is made again that failed; doubles with each further one. */
  readonly firstPauseMs: number
  /** Nobody waits any more for a call that the platform goes on with. */
  leftRunning(run: ServerlessRun): void
}

/** A batch that becomes one call of a function; more, where one is lost. */
export class ServerlessRun extends TasksOfCall implements RunningBatch {
  readonly sendings: BatchSendings
  readonly size: FunctionSize
  /** What is sent with the next call. */
  sent: Sent = "little"
  readonly #owner: RunOwner
  #phase: Phase = { is: "waiting" }
  #failures = 0
  #crashes = 0
  /** What the times of this call are off by, once one is known. */
  #shiftMs: number | undefined

  constructor(batch: TaskBatch, events: BatchEvents, size: FunctionSize, owner: RunOwner) {
    super(batch, events)
    this.sendings = sendingsOf(batch)
    this.size = size
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

  /** After `graceMs` nobody waits for the call any more, and its other tasks run in another one; whether it ends is the platform's. */
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
    const startTimer = setTimeout(() => this.#began(), acceptedAfterMs)
    this.#phase = { is: "called", atMs, controller, startTimer }
    this.#shiftMs = undefined
    return controller.signal
  }

  /** Of the first task that is left; said once for each call. */
  #began(): void {
    if (this.#phase.is !== "called" || this.#phase.startTimer === undefined) return
    clearTimeout(this.#phase.startTimer)
    this.#phase = { ...this.#phase, startTimer: undefined }
    if (!this.isOver) this.events.started(this.indexAt(this.reported), this.#name, this.#phase.atMs)
  }

  hear({ message, parts }: Said, worker: string): void {
    if (this.isClosed) return
    // Whatever is heard of a task, it runs.
    if (message.type === "log" || message.type === "progress") this.#began()
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
        const { kind, reason } = call.death
        if (kind === "init") return this.close(this.#error("init", reason))
        if (kind === "timeout") this.#tookAllTime(this.#name)
        else this.lost(undefined, reason, this.#name)
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

  /** Tells that nothing more comes. With an error: no further call would do better, and the tasks that are left fail with it. */
  close(error?: Error): "over" {
    if (this.isClosed) return "over"
    if (this.#phase.is === "called") clearTimeout(this.#phase.startTimer)
    this.#phase = { is: "over" }
    this.events.closed(error)
    return "over"
  }

  get #name(): string {
    return this.#owner.platform.name
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
    const { platform } = this.#owner
    switch (outcome.kind) {
      case "missing":
        if (this.sent === "all") return this.close(this.#refused("it lacks what it was just sent"))
        this.sent = "all"
        return "again"
      case "refused":
        return this.close(this.#refused(outcome.problem))
      case "tooLarge": {
        const sizeMb = (outcome.sizeBytes / 1e6).toFixed(1)
        const room = roomInMb(platform.limits.answerBytes)
        this.tooLarge(
          `the result has ${sizeMb} MB, ${platform.title}'s answers have room for ${room}, and storage did not take it: ${outcome.problem}`,
          worker,
        )
        break
      }
      case "timedOut":
        if (outcome.limit === "function") this.#tookAllTime(worker)
        else this.timedOut(outcome.offset, outcome.startedAtMs, worker)
        break
      case "lost": {
        const isMemory = outcome.reason === "ran out of memory"
        this.lost(outcome.offset, isMemory ? outOfMemory(this.size, platform) : outcome.reason, worker)
        break
      }
      case "ran":
        // It says so, and did not report all: some answer of it was lost.
        this.cut(this.reported)
        break
    }
    return this.close()
  }

  #tookAllTime(worker: string): void {
    this.tookAllTime(worker, timeoutHint(this.size, this.#owner.platform))
  }

  #afterError(error: BackendError): Next {
    const retry = retryOf[error.kind]
    if (retry === "never") return this.close(error)
    if (error.kind === "crashed" && ++this.#crashes > maxCrashes) {
      this.lost(undefined, error.message, this.#name)
      return this.close()
    }
    if (retry === "backOff") return { afterMs: heededMs(error.retryAfterMs), throttled: true }
    if (++this.#failures > maxFailures) return this.close(error)
    if (retry === "redeploy") return "redeploy"
    return { afterMs: pauseMs(this.#failures, this.#owner.firstPauseMs), throttled: false }
  }

  #refused(problem: string): BackendError {
    return this.#error("other", `refused a call: ${problem}`)
  }

  #error(kind: "init" | "other", what: string): BackendError {
    const { name, title } = this.#owner.platform
    return new BackendError(`The function on ${title} ${what}.`, { backend: name, kind, retryable: false })
  }
}
