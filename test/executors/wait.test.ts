import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"

describe("wait and getResult", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  const sleeper = (ms: number) => new Promise<number>((resolve) => setTimeout(() => resolve(ms), ms))

  it("waits for all, for any, for a share of them, or not at all", async () => {
    const job = fexec.map(sleeper, [1, 400, 2, 3])
    expect((await fexec.wait(job, { until: "always" })).pending).to.have.length(4)
    const any = await fexec.wait(job, { until: "any" })
    expect(any.done.length).to.be.within(1, 3)
    const most = await fexec.wait(job, { until: 75 })
    expect(most.done.map((task) => task.index)).to.deep.equal([0, 2, 3])
    expect(most.pending.map((task) => task.index)).to.deep.equal([1])
    expect((await fexec.wait(job)).pending).to.deep.equal([])
  })

  it("comes back when its time is over", async () => {
    const job = fexec.map(sleeper, [5000, 5000])
    const { done, pending } = await fexec.wait(job, { timeoutMs: 30 })
    expect([done.length, pending.length]).to.deep.equal([0, 2])
    job.cancel()
  })

  it("counts failed tasks as settled", async () => {
    const job = fexec.map(() => {
      throw new Error("no")
    }, [1, 2])
    expect((await fexec.wait(job)).done.map((task) => task.state)).to.deep.equal(["failed", "failed"])
  })

  it("means everything that runs when it is told nothing", async () => {
    const [a, b] = [fexec.map(sleeper, [5, 6]), fexec.callAsync(sleeper, 7)]
    await fexec.wait()
    expect([a.counts.done, b.state]).to.deep.equal([2, "done"])
  })

  it("gives the results of a task, a job, a list, or the newest call", async () => {
    const job = fexec.map(sleeper, [1, 2])
    const task = fexec.callAsync(sleeper, 3)
    expect(await fexec.getResult()).to.equal(3)
    expect(await fexec.getResult(task)).to.equal(3)
    expect(await fexec.getResult(job)).to.deep.equal([1, 2])
    expect(await fexec.getResult([task, ...job.tasks])).to.deep.equal([3, 1, 2])
  })

  it("takes jobs and tasks of different results together", async () => {
    const numbers = fexec.map((x: number) => x + 1, [1, 2])
    const word = fexec.callAsync(() => "done", 0)
    const { done } = await fexec.wait([numbers, word])
    const values: (number | string)[] = await Promise.all(done)
    expect(values).to.deep.equal([2, 3, "done"])
    const again: (number | string)[] = await fexec.getResult([numbers, word])
    expect(again).to.deep.equal(values)
  })

  it("refuses what is no share, no time and no task", async () => {
    const job = fexec.map(sleeper, [1])
    expect(await failureOf(fexec.wait(job, { until: 0 }))).to.be.instanceOf(RangeError)
    expect((await failureOf(fexec.wait(job, { until: "some" as never }))).message).to.include('"any"')
    expect(await failureOf(fexec.wait(job, { timeoutMs: -1 }))).to.be.instanceOf(RangeError)
    expect(await failureOf(fexec.wait(5 as never))).to.be.instanceOf(TypeError)
  })
})
