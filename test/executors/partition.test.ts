import { expect } from "chai"
import { ChunkSizer } from "../../kernel-ext/executors/partition.ts"

describe("ChunkSizer", () => {
  it("sends single tasks until it knows how long they take", () => {
    expect(new ChunkSizer(undefined).next(10_000, 2)).to.equal(1)
  })

  it("grows fast for quick tasks, step by step", () => {
    const sizer = new ChunkSizer(undefined)
    const sizes = Array.from({ length: 4 }, () => {
      const size = sizer.next(1_000_000, 2)
      sizer.took(size, size * 0.001)
      return size
    })
    expect(sizes).to.deep.equal([1, 16, 256, 4096])
  })

  it("keeps single tasks where they take long", () => {
    const sizer = new ChunkSizer(undefined)
    sizer.took(1, 500)
    expect(sizer.next(10_000, 2)).to.equal(1)
  })

  it("shrinks towards the end, so that no worker is left with more than the others", () => {
    const sizer = new ChunkSizer(undefined)
    sizer.took(100, 100)
    const sizes = [1000, 100, 40, 8, 1].map((remaining) => sizer.next(remaining, 2))
    expect(sizes).to.deep.equal([40, 13, 5, 1, 1])
  })

  it("keeps batches of large inputs small", () => {
    const sizer = new ChunkSizer(undefined)
    sizer.took(100, 0.1)
    sizer.weighed(1, 8_000_000)
    expect(sizer.next(1000, 2)).to.equal(1)
  })

  it("does what it is told to", () => {
    const sizer = new ChunkSizer(7)
    expect([sizer.next(100, 2), sizer.next(3, 2)]).to.deep.equal([7, 3])
  })

  it("begins with what is known of the function from before", () => {
    const before = new ChunkSizer(undefined)
    before.took(100, 1)
    expect(new ChunkSizer(undefined, before).next(10_000, 2)).to.be.greaterThan(100)
  })
})
