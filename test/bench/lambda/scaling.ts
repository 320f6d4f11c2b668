import { Pace, untilOneEnds } from "../../../kernel-ext/backends/serverless/pace.ts"

/**
 * Lambda as its documentation says that it scales: each function may have 1000 instances at once and 1000 more every ten
 * seconds; a call beyond that is refused. Tasks run until all that are wanted run at once.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
 */
const burst = 1000
const perSecond = 100

/** A call takes so long to arrive, and the refusal of one as long to come back. */
const wayMs = 20
const stepMs = 5

/** What no caller can do better: the rates themselves, and the way there. */
export function floorSeconds(target: number, shards: number): number {
  return Math.max(0, (target / shards - burst) / perSecond) + wayMs / 1000
}

export function simulate(target: number, shards: number): { seconds: number; throttled: number } {
  const functions = Array.from({ length: shards }, () => new SimulatedFunction(Math.ceil(target / shards)))
  for (let nowMs = 0; ; nowMs += stepMs) {
    for (const fn of functions) fn.step(nowMs)
    if (functions.every((fn) => fn.isFull))
      return { seconds: nowMs / 1000, throttled: functions.reduce((sum, fn) => sum + fn.throttled, 0) }
  }
}

class SimulatedFunction {
  throttled = 0
  readonly #target: number
  readonly #pace: Pace
  #instances = 0
  #allowance = burst
  #seenMs = 0
  /** When calls that are on their way arrive. */
  #arriving: number[] = []

  constructor(target: number) {
    this.#target = target
    this.#pace = new Pace({ concurrency: target, random: () => 0.5 })
  }

  get isFull(): boolean {
    return this.#instances >= this.#target
  }

  step(nowMs: number): void {
    this.#allowance = Math.min(burst, this.#allowance + ((nowMs - this.#seenMs) / 1000) * perSecond)
    this.#seenMs = nowMs
    this.#arrive(nowMs)
    for (let wait = 0; wait === 0; ) {
      wait = this.#pace.take(nowMs)
      if (wait === 0) this.#arriving.push(nowMs + wayMs)
      if (wait === untilOneEnds) return
    }
  }

  #arrive(nowMs: number): void {
    const here = this.#arriving.filter((atMs) => atMs <= nowMs)
    this.#arriving = this.#arriving.filter((atMs) => atMs > nowMs)
    for (const _ of here) {
      if (this.#allowance >= 1 - 1e-9) {
        this.#allowance--
        this.#instances++
      } else {
        this.throttled++
        this.#pace.throttled(nowMs)
      }
    }
  }
}
