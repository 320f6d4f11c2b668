import { expect } from "chai"
import { editDistance, nearest } from "../../kernel-ext/util/nearest.ts"

describe("nearest", () => {
  it("finds the word with a letter left out, added, changed or swapped", () => {
    for (const typed of ["wrkers", "woorkers", "wokkers", "wrokers", "wokers"])
      expect(nearest(typed, ["name", "workers", "retries"]), typed).to.equal("workers")
  })

  it("looks past case, dashes and underscores", () => {
    expect(nearest("FAIL_FAST", ["failFast", "name"])).to.equal("failFast")
    expect(nearest("--time-out-ms", ["--timeout-ms"])).to.equal("--timeout-ms")
  })

  it("takes a beginning for the whole word", () => {
    expect(nearest("Localhost", ["LocalhostExecutor", "lsmagic"])).to.equal("LocalhostExecutor")
  })

  it("says nothing where no word is near", () => {
    expect(nearest("zebra", ["workers", "name"])).to.equal(undefined)
    expect(nearest("x", [])).to.equal(undefined)
  })

  it("counts a swap of neighbours as one edit", () => {
    expect(editDistance("abcd", "abdc")).to.equal(1)
    expect(editDistance("", "abc")).to.equal(3)
    expect(editDistance("kitten", "sitting")).to.equal(3)
  })
})
