import { expect } from "chai"
import {
  applyPatch,
  decodeRuns,
  diffStates,
  encodeRuns,
  firstFailures,
} from "../../kernel-ext/protocol/job-states.ts"

/** State codes that look random and are the same each time. */
function randomStates(size: number, seed: number): Uint8Array {
  let value = seed
  return Uint8Array.from({ length: size }, () => {
    value = (value * 48_271) % 2_147_483_647
    return value % 7 > 4 ? 2 : value % 5
  })
}

describe("task states as text", () => {
  it("write a run as letter and length, a single task as letter alone", () => {
    expect(encodeRuns(Uint8Array.of(2, 2, 2, 3, 1, 0, 0, 4), 8)).to.equal("d3frq2c")
  })

  it("come back as they were, for any mix of states", () => {
    for (const size of [0, 1, 2, 999]) {
      const states = randomStates(size, size + 1)
      expect(decodeRuns(encodeRuns(states, size), size)).to.deep.equal(states)
    }
  })

  it("come back where runs are long, wherever they begin and end in memory", () => {
    for (let at = 0; at < 9; at++) {
      const whole = new Uint8Array(500)
      whole.fill(2, 10 + at, 200 + 3 * at).fill(3, 300 - at, 301)
      const states = whole.subarray(at, 500 - at)
      expect(decodeRuns(encodeRuns(states, states.length), states.length)).to.deep.equal(states.slice())
    }
  })

  it("are refused where they do not spell as many tasks as they should", () => {
    expect(() => decodeRuns("d3", 2)).to.throw(RangeError, "do not fit 2 tasks")
    expect(() => decodeRuns("d3", 4)).to.throw(RangeError, "3 tasks of 4")
    expect(() => decodeRuns("x3", 3)).to.throw(RangeError)
    expect(() => decodeRuns("d9", 1e12)).to.throw(RangeError, "Not a number of tasks")
  })
})

describe("patches of task states", () => {
  it("are absent where nothing changed", () => {
    const states = randomStates(100, 3)
    expect(diffStates(states, states.slice(), 100)).to.equal(undefined)
  })

  it("lead from any states to any others", () => {
    for (const size of [1, 7, 1000, 70_000]) {
      const before = randomStates(size, 5)
      const after = randomStates(size, 11)
      const patch = diffStates(before, after, size) ?? new Uint8Array(0)
      const states = before.slice()
      applyPatch(states, patch)
      expect(states).to.deep.equal(after)
    }
  })

  it("lead there where little changed, wherever that is in memory", () => {
    for (let at = 0; at < 9; at++) {
      const before = new Uint8Array(600).fill(1).subarray(at)
      const after = before.slice()
      after
        .fill(2, 100 + at, 150)
        .fill(3, 400 - at, 401)
        .fill(4, after.length - 1)
      const patch = diffStates(before, after, after.length) ?? new Uint8Array(0)
      expect(patch.length).to.be.within(6, 12)
      const states = before.slice()
      applyPatch(states, patch)
      expect(states).to.deep.equal(after)
    }
  })

  it("tell of tasks that were added since", () => {
    const after = Uint8Array.of(2, 0, 1)
    const patch = diffStates(Uint8Array.of(2), after, 3) ?? new Uint8Array(0)
    const states = Uint8Array.of(2, 0, 0)
    applyPatch(states, patch)
    expect(states).to.deep.equal(after)
  })

  it("take three bytes for a thousand neighbours that end together", () => {
    const patch = diffStates(new Uint8Array(100_000), new Uint8Array(100_000).fill(2, 10, 1010), 100_000)
    expect(patch?.length).to.equal(3)
  })

  it("are refused where they are cut off or reach too far", () => {
    const patch =
      diffStates(new Uint8Array(300), new Uint8Array(300).fill(2, 0, 300), 300) ?? new Uint8Array(0)
    expect(() => applyPatch(new Uint8Array(300), patch.subarray(0, -1))).to.throw(RangeError, "cut off")
    expect(() => applyPatch(new Uint8Array(299), patch)).to.throw(RangeError, "reaches task 300 of 299")
    expect(() => applyPatch(new Uint8Array(9), Uint8Array.of(0, 8 + 7))).to.throw(RangeError)
  })
})

describe("the first failures", () => {
  it("are found up to a limit", () => {
    const states = Uint8Array.of(3, 2, 3, 0, 3)
    expect(firstFailures(states, 5, 2)).to.deep.equal([0, 2])
    expect(firstFailures(states, 2, 9)).to.deep.equal([0])
  })
})
