/**
 * How fast one function may be called. Where a platform says nothing else, after Lambda's published scaling: it starts up to
 * 1000 instances at once, 1000 more every ten seconds, and the account takes ten calls a second for each call that may run
 * at once. Whoever keeps to that is not throttled, unless somebody else uses the account too: then it gives way, and comes
 * back slowly. Pure: whoever asks says what time it is.
 */
export interface PaceOptions {
  /** Calls that may run at once. */
  readonly concurrency: number
  /** Instances that may start at once (default: 1000). */
  readonly burst?: number
  /** Instances that may start each second after that (default: 100). */
  readonly instancesPerSecond?: number
  /** Calls that one instance runs at a time (default: 1). */
  readonly callsPerInstance?: number
  /** Calls that the account takes each second (default: ten for each call that may run, and for 1000 at least). */
  readonly callsPerSecond?: number
  /** From 0 up to 1, for the spread of pauses (default: Math.random). */
  readonly random?: () => number
}

/** The share of running calls that are kept when the platform throttles. */
const keepShare = 0.75

const firstPauseMs = 100
const longestPauseMs = 5000

/** How fast it comes back: by this share of what it had, each second. */
const growthPerSecond = 0.25

/** Nothing but an end of a running call allows a further one. */
export const untilOneEnds = Number.POSITIVE_INFINITY

export class Pace {
  readonly #concurrency: number
  readonly #instancesPerSecond: number
  readonly #callsPerInstance: number
  readonly #random: () => number
  readonly #starts: Bucket
  readonly #calls: Bucket
  #running = 0
  /** Those that the most calls that ever ran at once have needed: so many are warm. */
  #instances = 0
  /** What throttling has left of the concurrency, as of `#throttledAtMs`. */
  #cap: number
  #throttledAtMs = Number.NEGATIVE_INFINITY
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  /** Since a call was last answered. */
  #throttles = 0

  constructor(options: PaceOptions) {
    const { concurrency, burst = 1000, instancesPerSecond = 100, callsPerInstance = 1 } = options
    const { callsPerSecond = 10 * Math.max(1000, concurrency) } = options
    this.#concurrency = concurrency
    this.#cap = concurrency
    this.#instancesPerSecond = instancesPerSecond
    this.#callsPerInstance = callsPerInstance
    this.#random = options.random ?? Math.random
    this.#starts = new Bucket(burst, instancesPerSecond)
    this.#calls = new Bucket(callsPerSecond, callsPerSecond)
  }

  get running(): number {
    return this.#running
  }

  /** Takes the right to one call now, which then counts as running: 0. Or the milliseconds until it is worth asking again. */
  take(nowMs: number): number {
    if (nowMs < this.#pausedUntilMs) return this.#pausedUntilMs - nowMs
    if (this.#running >= this.#allowed(nowMs)) {
      const isThrottled = this.#running < this.#concurrency
      return isThrottled ? 1000 / this.#instancesPerSecond : untilOneEnds
    }
    const isNew = this.#running >= this.#instances * this.#callsPerInstance
    const waitMs = Math.max(this.#calls.waitMs(nowMs), isNew ? this.#starts.waitMs(nowMs) : 0)
    if (waitMs > 0) return waitMs
    this.#calls.take()
    if (isNew) {
      this.#starts.take()
      this.#instances++
    }
    this.#running++
    return 0
  }

  /** A call has ended that was not refused. */
  ended(): void {
    this.#running--
    this.#throttles = 0
  }

  /** A call was refused because there are too many. `retryAfterMs` is what the answer asked for. */
  throttled(nowMs: number, retryAfterMs = 0): void {
    this.#running--
    // The others of the same moment say nothing new.
    if (nowMs < this.#pausedUntilMs) return
    this.#cap = Math.max(1, Math.floor(this.#running * keepShare))
    this.#throttledAtMs = nowMs
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#throttles++)
    this.#pausedUntilMs = nowMs + Math.max(retryAfterMs, pauseMs * (0.5 + this.#random() / 2))
  }

  /** Calls that may run now. After throttling it grows again, never faster than the platform itself. */
  #allowed(nowMs: number): number {
    const perSecond = Math.min(this.#instancesPerSecond, Math.max(1, growthPerSecond * this.#cap))
    return Math.min(this.#concurrency, this.#cap + (perSecond * (nowMs - this.#throttledAtMs)) / 1000)
  }
}

/** Holds up to `size` permissions and gains `perSecond` of them. */
class Bucket {
  readonly #size: number
  readonly #perSecond: number
  #level: number
  #filledAtMs: number | undefined

  constructor(size: number, perSecond: number) {
    this.#size = size
    this.#perSecond = perSecond
    this.#level = size
  }

  waitMs(nowMs: number): number {
    const passedMs = nowMs - (this.#filledAtMs ?? nowMs)
    this.#filledAtMs = nowMs
    this.#level = Math.min(this.#size, this.#level + (passedMs / 1000) * this.#perSecond)
    // A permission that lacks less than what a clock shows is there.
    return this.#level >= 1 - 1e-9 ? 0 : ((1 - this.#level) / this.#perSecond) * 1000
  }

  take(): void {
    this.#level--
  }
}
