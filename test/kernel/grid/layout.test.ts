import { expect } from "chai"
import { fitLayout, markSide } from "../../../labextension/src/view/grid/layout.ts"

describe("marks of what failed, in the live grid", () => {
  const wide = fitLayout(1_000_000, 720, 300, 1)
  const narrow = fitLayout(1_000_000, 230, 300, 1)

  it("are five pixels wide while few failed", () => {
    expect(markSide(200, wide.rows, wide, 1)).to.equal(5)
    expect(markSide(200, wide.rows, wide, 2)).to.equal(10)
  })

  it("get smaller before they would hide the rest, also in a narrow cell", () => {
    expect(markSide(1287, narrow.rows, narrow, 1)).to.equal(3)
    expect(markSide(3000, narrow.rows, narrow, 1)).to.equal(2)
  })

  it("are left out where they could be no larger than a square, or would hide the rest", () => {
    expect(markSide(4000, narrow.rows, narrow, 1)).to.equal(undefined)
    const threes = fitLayout(20_000, 720, 300, 1)
    expect(threes.pitch).to.equal(3)
    expect(markSide(4000, threes.rows, threes, 1)).to.equal(undefined)
  })
})
