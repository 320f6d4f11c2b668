import { BackendError, StorageError } from "../../errors.ts"
import { Answer } from "./answer.ts"
import type { ServerlessFunction, Shard } from "./function.ts"
import { roomInMb } from "./hints.ts"
import type { Payloads } from "./payload.ts"
import type { CallEnd, Platform } from "./platform.ts"
import { heededMs } from "./retry.ts"
import type { ServerlessRun } from "./run.ts"

/** What is told of throttling comes no more often. */
const tellThrottledEveryMs = 10_000

export interface CallsOptions {
  readonly platform: Platform
  readonly payloads: Payloads
  /** Calls that run at once. */
  readonly workers: number
  readonly say: (text: string) => void
  /** Nothing more is to be done for this batch. */
  readonly over: (run: ServerlessRun) => void
}

/** Batches that wait for a call, and those that are called: as many and as fast as the platform takes. */
export class Calls {
  readonly #options: CallsOptions
  /** Those that wait, by their function. */
  readonly #queues = new Map<ServerlessFunction, ServerlessRun[]>()
  #waiting = 0
  #running = 0
  #timer: NodeJS.Timeout | undefined
  #toldThrottledAtMs = Number.NEGATIVE_INFINITY

  constructor(options: CallsOptions) {
    this.#options = options
  }

  get idle(): number {
    return Math.max(0, this.#options.workers - this.#running - this.#waiting)
  }

  add(run: ServerlessRun, fn: ServerlessFunction): void {
    if (run.isClosed) {
      this.#options.over(run)
      return
    }
    this.#queueOf(fn).push(run)
    this.#waiting++
    this.#pump()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #queueOf(fn: ServerlessFunction): ServerlessRun[] {
    const queue = this.#queues.get(fn) ?? []
    this.#queues.set(fn, queue)
    return queue
  }

  /** Calls what may be called now, each function in turn, and looks again when more may be. */
  #pump(): void {
    clearTimeout(this.#timer)
    let waitMs = Number.POSITIVE_INFINITY
    // A function that is put back is come to again.
    for (const [fn, queue] of this.#queues) {
      if (this.#running >= this.#options.workers) break
      const run = queue[0] as ServerlessRun
      const shard = run.isWaiting ? fn.take(performance.now()) : undefined
      if (typeof shard === "number") {
        waitMs = Math.min(waitMs, shard)
        continue
      }
      queue.shift()
      this.#waiting--
      this.#queues.delete(fn)
      if (queue.length > 0) this.#queues.set(fn, queue)
      if (shard !== undefined) void this.#call(run, fn, shard)
      else this.#options.over(run)
    }
    if (waitMs !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), Math.max(1, waitMs))
  }

  async #call(run: ServerlessRun, fn: ServerlessFunction, shard: Shard): Promise<void> {
    this.#running++
    const end = await this.#answer(run, shard, run.called())
    this.#running--
    if (end.kind === "failed" && end.error.kind === "throttled")
      shard.pace.throttled(performance.now(), heededMs(end.error.retryAfterMs))
    else shard.pace.ended()
    if (end.kind === "died") this.#bill(run, end.billedMs)
    const next = run.answered(end)
    if (next === "over") this.#options.over(run)
    else if (next === "again") {
      this.#queueOf(fn).unshift(run)
      this.#waiting++
    } else if (next === "redeploy") this.#redeploy(run, fn, shard)
    else {
      if (next.throttled) this.#tellThrottled()
      run.pause()
      setTimeout(() => {
        run.resume()
        this.add(run, fn)
      }, next.afterMs)
    }
    this.#pump()
  }

  /** The function was deleted since it was deployed. */
  #redeploy(run: ServerlessRun, fn: ServerlessFunction, shard: Shard): void {
    run.pause()
    shard.redeploy().then(
      () => {
        run.resume()
        this.add(run, fn)
      },
      (error: Error) => {
        run.close(error)
        this.#options.over(run)
      },
    )
  }

  async #answer(run: ServerlessRun, { callable }: Shard, signal: AbortSignal): Promise<CallEnd> {
    const { platform, payloads } = this.#options
    const { jobId, timeoutMs } = run.batch
    const answer = new Answer({
      platform,
      bill: (billedMs) => this.#bill(run, billedMs),
      hear: (said, environment) => run.hear(said, environment),
      fetch: (reference) => payloads.fetch(jobId, reference, signal),
    })
    try {
      const event = await payloads.eventOf(run.sendings, { jobId, timeoutMs, sent: run.sent })
      return await callable.call(event, answer, signal)
    } catch (cause) {
      return { kind: "failed", error: cause instanceof BackendError ? cause : this.#error(cause) }
    }
  }

  /** What the platform has no word for: that a call could not be made at all, or that its answer stands where it cannot be read. */
  #error(cause: unknown): BackendError {
    const { name, title, limits } = this.#options.platform
    const message = cause instanceof Error ? cause.message : String(cause)
    const isPassing = cause instanceof StorageError && cause.retryable
    return new BackendError(
      `What is larger than the ${roomInMb(limits.requestBytes)} MB that a call of ${title} has room for goes by way of storage, which did not take it or give it back: ${message}`,
      {
        backend: name,
        kind: isPassing ? "unavailable" : "too-large",
        retryable: isPassing,
        cause,
      },
    )
  }

  #bill(run: ServerlessRun, billedMs: number): void {
    run.events.spent?.(this.#options.platform.costUsd(billedMs, run.size))
  }

  #tellThrottled(): void {
    const now = performance.now()
    if (now - this.#toldThrottledAtMs < tellThrottledEveryMs) return
    this.#toldThrottledAtMs = now
    const { title, throttledHint } = this.#options.platform
    this.#options.say(`${title} throttles: ${this.#running} calls run now, the others wait. ${throttledHint}`)
  }
}
