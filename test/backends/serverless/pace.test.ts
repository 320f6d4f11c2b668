import { expect } from "chai"
import { Pace, type PaceOptions, untilOneEnds } from "../../../kernel-ext/backends/serverless/pace.ts"

const paceOf = (options: Partial<PaceOptions> = {}) =>
  new Pace({ concurrency: 5000, random: () => 1, ...options })

/** Takes all that may be taken at a moment. */
function takeAll(pace: Pace, nowMs: number): number {
  let count = 0
  while (pace.take(nowMs) === 0) count++
  return count
}

describe("The pace of calls", () => {
  it("starts a burst of 1000 instances at once, and 1000 more in ten seconds", () => {
    const pace = paceOf()
    expect(takeAll(pace, 0)).to.equal(1000)
    expect(pace.take(0)).to.be.closeTo(10, 1e-6)
    expect(takeAll(pace, 10_000)).to.equal(1000)
    expect(takeAll(pace, 15_000)).to.equal(500)
  })

  it("uses instances that are warm without waiting", () => {
    const pace = paceOf({ concurrency: 1500 })
    takeAll(pace, 0)
    for (let i = 0; i < 400; i++) pace.ended()
    expect(takeAll(pace, 0)).to.equal(400)
  })

  it("counts on instances that run several calls at a time", () => {
    const pace = paceOf({ concurrency: 100, burst: 2, callsPerInstance: 10 })
    expect(takeAll(pace, 0)).to.equal(20)
    expect(takeAll(pace, 10)).to.equal(10)
  })

  it("stops at the concurrency until a call ends", () => {
    const pace = paceOf({ concurrency: 3 })
    expect(takeAll(pace, 0)).to.equal(3)
    expect(pace.take(0)).to.equal(untilOneEnds)
    pace.ended()
    expect(takeAll(pace, 0)).to.equal(1)
  })

  it("makes as many calls a second as the account takes, no more", () => {
    const pace = paceOf({ concurrency: 2, callsPerSecond: 20 })
    let calls = 0
    for (let nowMs = 0; nowMs < 1000; nowMs += 1) {
      while (pace.take(nowMs) === 0) {
        calls++
        pace.ended()
      }
    }
    // What stood ready, and a second's worth.
    expect(calls).to.be.within(39, 40)
  })

  it("pauses when it is throttled, for longer while nothing is answered", () => {
    const pace = paceOf()
    takeAll(pace, 0)
    const pauses = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => {
      const nowMs = i * 100_000
      pace.throttled(nowMs)
      return pace.take(nowMs)
    })
    expect(pauses).to.deep.equal([100, 200, 400, 800, 1600, 3200, 5000, 5000])
    pace.ended()
    pace.throttled(900_000)
    expect(pace.take(900_000)).to.equal(100)
  })

  it("takes throttles of one moment as one, and waits as long as it is told to", () => {
    const pace = paceOf()
    takeAll(pace, 0)
    for (let i = 0; i < 500; i++) pace.throttled(i / 10, 1500)
    expect(pace.take(50)).to.equal(1450)
  })

  it("goes on with three quarters of what ran, and comes back slowly", () => {
    const pace = paceOf({ concurrency: 100 })
    takeAll(pace, 0)
    pace.throttled(0)
    for (let i = 0; i < 99; i++) pace.ended()
    const allowed = (nowMs: number): number => {
      const count = takeAll(pace, nowMs)
      for (let i = 0; i < count; i++) pace.ended()
      return count
    }
    // 74 of the 99 that ran; a quarter of that more each second.
    expect(allowed(1000)).to.equal(Math.ceil(74 + 18.5))
    expect(allowed(3000)).to.equal(100)
  })
})
