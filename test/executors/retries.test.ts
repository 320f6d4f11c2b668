import { expect } from "chai"
import { verdictOn } from "../../kernel-ext/executors/retries.ts"

const options = { retries: 2, lostRetries: 1, backoffMs: 100 }

describe("What happens to a task that ended without a result", () => {
  it("it runs again as often as `retries` says, and waits twice as long each time", () => {
    expect([1, 2, 3].map((attempt) => verdictOn("threw", attempt, 0, options))).to.deep.equal([
      { next: "again", delayMs: 100 },
      { next: "again", delayMs: 200 },
      { next: "fail" },
    ])
  })

  it("it never waits longer than a minute", () => {
    expect(verdictOn("threw", 30, 0, { ...options, retries: 50 })).to.deep.equal({
      next: "again",
      delayMs: 60_000,
    })
  })

  it("one that ran out of time counts like one that threw", () => {
    expect(verdictOn("timedOut", 1, 0, { ...options, retries: 0 })).to.deep.equal({ next: "fail" })
    expect(verdictOn("timedOut", 1, 0, options)).to.deep.equal({ next: "again", delayMs: 100 })
  })

  it("one whose worker died runs apart from others, as often as `lostRetries` or `retries` says", () => {
    const none = { ...options, retries: 0 }
    expect(verdictOn("lost", 1, 1, none)).to.deep.equal({ next: "apart" })
    expect(verdictOn("lost", 2, 2, none)).to.deep.equal({ next: "fail" })
    expect(verdictOn("lost", 2, 2, options)).to.deep.equal({ next: "apart" })
    expect(verdictOn("lost", 1, 1, { ...none, lostRetries: 0 })).to.deep.equal({ next: "fail" })
  })

  it("attempts that a dying worker took leave the retries for what the task throws itself", () => {
    expect(verdictOn("threw", 3, 1, options)).to.deep.equal({ next: "again", delayMs: 400 })
    expect(verdictOn("threw", 4, 1, options)).to.deep.equal({ next: "fail" })
  })
})
