import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"

describe("job.manifest()", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  const noisy = (n: number, ctx: { random(): number }) => n + ctx.random()

  const run = async (inputs: readonly number[], options: { seed?: number; chunkSize?: number } = {}) => {
    const job = fexec.map(noisy, inputs, options)
    await job
    return job.manifest()
  }

  it("is the same for the same work, however its tasks travelled", async () => {
    const [a, b] = [await run([1, 2, 3], { seed: 4, chunkSize: 1 }), await run([1, 2, 3], { seed: 4 })]
    expect(a.jobId).to.not.equal(b.jobId)
    expect({ ...a, jobId: "" }).to.deep.equal({ ...b, jobId: "" })
    expect(a).to.include({ version: 1, name: "noisy", executor: "LocalhostExecutor", tasks: 3, seed: 4 })
    expect(a.versions.node).to.equal(process.versions.node)
    for (const hash of [a.codeHash, a.inputsHash, a.resultsHash, a.lockHash])
      expect(hash).to.match(/^[0-9a-f]{32}$/)
  })

  it("tells by its hashes what was different: inputs, results, code", async () => {
    const base = await run([1, 2, 3])
    const otherSeed = await run([1, 2, 3], { seed: 1 })
    expect(otherSeed.inputsHash).to.equal(base.inputsHash)
    expect(otherSeed.resultsHash).to.not.equal(base.resultsHash)
    expect((await run([1, 2, 4])).inputsHash).to.not.equal(base.inputsHash)
    const other = fexec.map((n: number) => n + 1, [1, 2, 3])
    await other
    expect(other.manifest().codeHash).to.not.equal(base.codeHash)
  })

  it("names the packages that the function imports, in their versions", async () => {
    const job = fexec.map(async (n: number) => (await import("lodash")).default.clamp(n, 0, 2), [5])
    await job
    expect(Object.keys(job.manifest().packages)).to.deep.equal(["lodash"])
    expect(job.manifest().packages.lodash).to.match(/^\d+\.\d+\.\d+/)
  })

  it("has no hash of what is not there: results of an unfinished job, inputs that were not kept", async () => {
    const job = fexec.map((n: number) => n, new Set([1, 2]))
    expect(job.manifest().resultsHash).to.equal(null)
    await job
    expect(job.manifest().inputsHash).to.equal(null)
    expect(job.manifest().resultsHash).to.be.a("string")
    const failing = fexec.map(() => Promise.reject(new Error("no")), [1])
    await failing.settled()
    expect(failing.manifest().resultsHash).to.equal(null)
  })

  it("hashes only what takes no time worth mentioning where it is to be brief", async () => {
    const small = fexec.map((n: number) => n, [1, 2, 3])
    await small
    expect(small.manifest({ brief: true })).to.deep.equal(small.manifest())
    const large = fexec.map(
      (one: { n: number }) => one.n,
      Array.from({ length: 5000 }, (_, n) => ({ n })),
    )
    await large
    expect(large.manifest({ brief: true })).to.deep.equal({ ...large.manifest(), inputsHash: null })
    expect(large.manifest().inputsHash).to.be.a("string")
  })

  it("hashes values that are no plain data as well", async () => {
    const job = fexec.map(
      (of: { scale: (n: number) => number }) => of.scale(2),
      [{ scale: (n: number) => n * 3 }],
    )
    expect(await job).to.deep.equal([6])
    expect(job.manifest().inputsHash).to.match(/^[0-9a-f]{32}$/)
  })
})
