import { expect } from "chai"
import { onJob } from "../../kernel-ext/executors/observe.ts"
import { ConfigError, JobError, LocalhostExecutor } from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"

describe("mapReduce", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)

  it("gives the reduction of all results, in the order of the inputs", async () => {
    const joined = fexec.mapReduce(
      (n: number) => `<${n}>`,
      [1, 2, 3],
      (parts) => parts.join(""),
    )
    expect(await joined).to.equal("<1><2><3>")
    expect(await joined.map).to.deep.equal(["<1>", "<2>", "<3>"])
    expect(joined.reduce.state).to.equal("done")
    expect(joined.sources).to.deep.equal([])
  })

  it("rejects with what went wrong in the map", async () => {
    const broken = fexec.mapReduce(
      (n: number) => {
        if (n === 2) throw new Error("two")
        return n
      },
      [1, 2, 3],
      (all) => all.length,
    )
    const error = await failureOf(broken)
    expect(error).to.be.instanceOf(JobError)
    expect(error.message).to.include("Task 1 failed: Error: two")
    await broken.reduce.settled()
    expect(broken.reduce.state).to.equal("failed")
  })

  it("retries the reduction by its own options", async () => {
    const result = fexec.mapReduce(
      (n: number) => n,
      [1, 2],
      (all, ctx) => {
        if (ctx.attempt < 3) throw new Error("again")
        return all.length * ctx.attempt
      },
      { reduce: { retries: 2, backoffMs: 1 } },
    )
    expect(await result).to.equal(6)
  })

  describe("with reducePerObject", () => {
    const part = (source: string, n: number) => ({ source, n })
    const parts = [part("b", 1), part("a", 10), part("b", 2), part("c", 100), part("a", 20)]

    it("reduces the parts of each object, objects in the order in which they first came", async () => {
      const reduced = fexec.mapReduce(({ n }: { source: string; n: number }) => n + 1, parts, sum, {
        reducePerObject: true,
      })
      const results: number[] = await reduced
      expect(results).to.deep.equal([5, 32, 101])
      expect(reduced.sources).to.deep.equal(["b", "a", "c"])
      expect(reduced.reduce.size).to.equal(3)
    })

    it("reads the objects of an iterable as it goes, also of an async one", async () => {
      async function* some() {
        for (const one of parts) yield one
      }
      const double = ({ n }: { source: string; n: number }) => n * 2
      expect(await fexec.mapReduce(double, some(), sum, { reducePerObject: true })).to.deep.equal([
        6, 60, 200,
      ])
      expect(await fexec.mapReduce(double, new Set(parts), sum, { reducePerObject: true })).to.deep.equal([
        6, 60, 200,
      ])
    })

    it("reduces an object when its own parts are done, while others still run", async () => {
      const reduced = fexec.mapReduce(
        async ({ n }: { source: string; n: number }) => {
          await new Promise((resolve) => setTimeout(resolve, n))
          return Date.now()
        },
        [part("slow", 1500), part("quick", 1), part("quick", 1)],
        (ends) => Math.max(...ends),
        { reducePerObject: true, spawnReducerAt: 0 },
      )
      await reduced.reduce.tasks.at(1)
      expect(reduced.map.tasks[0]?.state).to.equal("running")
      reduced.cancel()
      await reduced.map.settled()
    })

    it("fails the reduction of an object that lost a part, and no other", async () => {
      const reduced = fexec.mapReduce(
        ({ n }: { source: string; n: number }) => {
          if (n === 10) throw new Error("ten")
          return n
        },
        parts,
        sum,
        { reducePerObject: true },
      )
      expect((await failureOf(reduced)).message).to.include("ten")
      const outcomes = await reduced.reduce.settled()
      expect(outcomes.map((outcome) => outcome.status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"])
    })

    it("refuses inputs that name no source: an array's before anything runs, an iterable's where it is", async () => {
      const anything = [part("a", 1), 5] as never[]
      expect(() =>
        fexec.mapReduce(
          (n: { source: string }) => n,
          anything,
          () => 0,
          { reducePerObject: true },
        ),
      ).to.throw(TypeError, /input 1 has no text `source`/)
      const reduced = fexec.mapReduce(
        (n: { source: string }) => n,
        new Set(anything),
        () => 0,
        {
          reducePerObject: true,
        },
      )
      expect((await failureOf(reduced)).message).to.include("input 1 has no text `source`")
      expect(await reduced.reduce.settled()).to.have.length.at.most(1)
    })
  })

  describe("with spawnReducerAt", () => {
    it("hands the reduction over when that share of the map has ended, and not before", async () => {
      const begun: { name: string; done: number }[] = []
      let map: { readonly counts: { readonly done: number } } | undefined
      const stop = onJob((job) => begun.push({ name: job.name, done: map?.counts.done ?? 0 }))
      const reduced = fexec.mapReduce(
        async (n: number) => {
          await new Promise((resolve) => setTimeout(resolve, 20))
          return n
        },
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        sum,
        { spawnReducerAt: 50, name: "ten" },
      )
      map = reduced.map
      expect(begun.map(({ name }) => name)).to.deep.equal(["ten"])
      expect(await reduced).to.equal(55)
      stop()
      expect(begun[1]?.name).to.equal("ten: reduce")
      expect(begun[1]?.done).to.be.within(5, 9)
    })

    it("takes a percentage", () => {
      for (const spawnReducerAt of [-1, 101, "half" as never])
        expect(() => fexec.mapReduce((n: number) => n, [1], sum, { spawnReducerAt })).to.throw(
          ConfigError,
          /spawnReducerAt.*from 0 to 100/,
        )
    })
  })
})
