import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"

describe("What is told of each task", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  const spin = (ms: number) => {
    const until = performance.now() + ms
    while (performance.now() < until) {}
    return new Uint8Array(1000)
  }

  it("is when it was queued, began and ended, in this order, and how long it waited and ran", async () => {
    const before = Date.now()
    const job = fexec.map(spin, [30, 30, 30, 30])
    await job
    for (const task of job.tasks) {
      const { queuedAtMs, startedAtMs = 0, endedAtMs = 0, queueMs, runMs } = task.stats
      expect(queuedAtMs).to.be.within(before, Date.now())
      expect(startedAtMs).to.be.at.least(queuedAtMs - 1)
      expect(runMs).to.equal(endedAtMs - startedAtMs)
      expect(runMs).to.be.at.least(29)
      expect(queueMs).to.be.at.least(0)
    }
    // Four tasks on two workers: the last ones waited for the first.
    expect(Math.max(...job.tasks.map((task) => task.stats.queueMs ?? 0))).to.be.at.least(28)
  })

  it("is its processor time, which a task that only sleeps has not", async () => {
    const [busy, idle] = [
      fexec.callAsync(spin, 60),
      fexec.callAsync((ms: number) => new Promise((resolve) => setTimeout(resolve, ms)), 60),
    ]
    await Promise.all([busy, idle])
    // What the machine does beside the test can only make it less.
    expect(busy.stats.cpuMs).to.be.greaterThan(5)
    expect(idle.stats.cpuMs).to.be.lessThan(busy.stats.runMs ?? 0)
    expect(idle.stats.cpuMs).to.be.lessThan(40)
  })

  it("is the memory of its worker, for quick tasks as well, and for those that fail", async () => {
    const quick = fexec.map((n: number) => n, [1, 2, 3])
    await quick
    const large = fexec.callAsync(() => {
      const kept = Buffer.alloc(150 * 1024 * 1024, 1)
      return kept.length
    }, 0)
    await large
    for (const task of quick.tasks) expect(task.stats.peakMemoryBytes).to.be.within(20e6, 2e9)
    expect(large.stats.peakMemoryBytes).to.be.at.least(150e6)
    const failing = fexec.map(
      (ms: number) => {
        const until = performance.now() + ms
        while (performance.now() < until) {}
        throw new Error("no")
      },
      [0, 20],
    )
    await failing.settled()
    for (const task of failing.tasks) {
      expect(task.stats.peakMemoryBytes).to.be.at.least(20e6)
      expect(task.stats.cpuMs).to.be.at.least(0)
    }
    expect(failing.tasks[1]?.stats.cpuMs).to.be.greaterThan(1)
  })

  it("is how many bytes its input and its result had on their way, and which worker had it", async () => {
    const job = fexec.map(
      (data: Uint8Array) => data.slice(0, data.length / 2),
      [new Uint8Array(200_000), new Uint8Array(400_000)],
    )
    await job
    const [first, second] = job.tasks.map((task) => task.stats)
    expect(first?.bytesIn).to.be.within(200_000, 201_000)
    expect(second?.bytesIn).to.be.within(400_000, 401_000)
    expect(second?.bytesOut).to.be.within(200_000, 201_000)
    expect(first?.worker).to.match(/^localhost:\d+$/)
  })

  it("is of the newest attempt where it ran several times", async () => {
    const job = fexec.map(
      (_: number, ctx) => {
        if (ctx.attempt === 1) throw new Error("once")
        return ctx.attempt
      },
      [0],
      { retries: 1, backoffMs: 60 },
    )
    await job
    const { attempt, queuedAtMs, startedAtMs = 0 } = job.tasks[0]?.stats ?? { queuedAtMs: 0, attempt: 0 }
    expect(attempt).to.equal(2)
    expect(queuedAtMs).to.be.greaterThan(job.startedAtMs - 1)
    expect(startedAtMs - queuedAtMs).to.be.at.least(55)
  })
})

describe("job.stats()", () => {
  it("adds up what is told of the tasks", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const job = fexec.map(
      (n: number, ctx) => {
        if (n === 2 && ctx.attempt === 1) throw new Error("once")
        const until = performance.now() + 10
        while (performance.now() < until) {}
        return n
      },
      [0, 1, 2, 3],
      { retries: 1, backoffMs: 1 },
    )
    await job
    const stats = job.stats()
    const each = job.tasks.map((task) => task.stats)
    const sum = (values: (number | undefined)[]) => values.reduce<number>((a, b) => a + (b ?? 0), 0)
    expect(stats.tasks).to.equal(4)
    expect(stats.retries).to.equal(1)
    expect(stats.runMs).to.be.closeTo(sum(each.map(({ runMs }) => runMs)), 0.01)
    expect(stats.cpuMs).to.be.closeTo(sum(each.map(({ cpuMs }) => cpuMs)), 0.01)
    expect(stats.bytesOut).to.be.closeTo(sum(each.map(({ bytesOut }) => bytesOut)), 0.01)
    expect(stats.peakMemoryBytes).to.equal(
      Math.max(...each.map(({ peakMemoryBytes = 0 }) => peakMemoryBytes)),
    )
    expect(stats.taskMs?.min).to.equal(Math.min(...each.map(({ runMs = 0 }) => runMs)))
    expect(stats.queueMs?.max).to.equal(Math.max(...each.map(({ queueMs = 0 }) => queueMs)))
    expect(stats.wallMs).to.be.at.least(20)
    expect(stats.utilization).to.be.within(0.01, 1)
    expect(stats.workersUsed).to.be.within(1, 2)
  })
})
