import { expect } from "chai"
import { randomFor } from "../../kernel-ext/worker/random.ts"

const take = (seed: number, index: number, count: number) => {
  const next = randomFor(seed, index)
  return Array.from({ length: count }, next)
}

describe("ctx.random()", () => {
  it("depends on seed and index alone", () => {
    expect(take(1, 2, 5)).to.deep.equal(take(1, 2, 5))
    expect(take(1, 2, 5)).to.not.deep.equal(take(1, 3, 5))
    expect(take(1, 2, 5)).to.not.deep.equal(take(2, 2, 5))
    expect(take(2 ** 40 + 1, 2, 5)).to.not.deep.equal(take(1, 2, 5))
  })

  it("gives the numbers it gave when notebooks were first written with it", () => {
    expect(take(0, 0, 3)).to.deep.equal([0.8584345254001129, 0.7061609299594861, 0.6500531163801577])
  })

  it("is even over its range, and unrelated between neighbouring tasks", () => {
    const first = Array.from({ length: 20_000 }, (_, index) => take(7, index, 1)[0] ?? 0)
    const mean = first.reduce((a, b) => a + b, 0) / first.length
    expect(mean).to.be.within(0.49, 0.51)
    const pairs = first.slice(1).map((x, i) => (x - mean) * ((first[i] ?? 0) - mean))
    const correlation = (12 * pairs.reduce((a, b) => a + b, 0)) / pairs.length
    expect(Math.abs(correlation)).to.be.lessThan(0.03)
    expect(Math.min(...first)).to.be.at.least(0)
    expect(Math.max(...first)).to.be.lessThan(1)
  })
})
