import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import {
  CaptureError,
  type JobError,
  LocalhostExecutor,
  TimeoutError,
  WorkerLostError,
} from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"
import { waitUntil } from "../support/processes.ts"

/** What threads are for: memory that is shared or moved, not copied. */
describe('Tasks with isolation: "thread"', () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2, isolation: "thread" })
  })
  after(() => fexec.close())

  it("say how much memory their threads had", async () => {
    const large = fexec.callAsync((size: number) => {
      // Still there when the task ends.
      const kept = Buffer.alloc(size, 1)
      Object.assign(globalThis, { kept })
      return kept.length
    }, 150e6)
    await large
    expect(large.stats.peakMemoryBytes).to.be.within(150e6, 2e9)
    const quick = fexec.map((n: number) => n, [1, 2, 3, 4])
    await quick
    for (const task of quick.tasks) expect(task.stats.peakMemoryBytes).to.be.within(1e6, 2e9)
  })

  it("run in this process, in threads of their own", async () => {
    const places = await fexec.map(() => {
      const { isMainThread, threadId } = process.getBuiltinModule("node:worker_threads")
      return { pid: process.pid, isMainThread, threadId }
    }, [0, 1, 2, 3])
    expect(new Set(places.map(({ pid }) => pid))).to.deep.equal(new Set([process.pid]))
    expect(places.some(({ isMainThread }) => isMainThread)).to.equal(false)
  })

  it("share a SharedArrayBuffer that they capture", async () => {
    const counter = new Int32Array(new SharedArrayBuffer(4))
    const add = (n: number) => Atomics.add(counter, 0, n) >= 0
    await fexec.map(add, [1, 2, 3])
    await fexec.map(add, [4, 5, 6])
    expect(counter[0]).to.equal(21)
  })

  it("share one that is an input, an extra argument or a result", async () => {
    const memory = new SharedArrayBuffer(8)
    const [result] = await fexec.map(
      (input: SharedArrayBuffer, _ctx, extra: Int32Array) => {
        new Int32Array(input)[0] = 7
        extra[1] = 8
        return { memory: input }
      },
      [memory],
      { extraArgs: [new Int32Array(memory)] },
    )
    expect([...new Int32Array(memory)]).to.deep.equal([7, 8])
    new Int32Array(memory)[0] = 9
    expect(new Int32Array(result?.memory ?? new ArrayBuffer(4))[0]).to.equal(9)
  })

  it("are what processes point to when they refuse one", async () => {
    const shared = new Int32Array(new SharedArrayBuffer(4))
    const error = await failureOf((async () => fexec.map(() => shared[0], [1], { isolation: "process" }))())
    expect(error).to.be.instanceOf(CaptureError)
    expect(error.message).to.match(
      /`shared` → `buffer`: a SharedArrayBuffer cannot be sent.*isolation: "thread"/,
    )
  })

  it("move large results instead of copying them, and refuse what has moved", async () => {
    const state: { last?: Float64Array } = {}
    const job = fexec.map(
      (n: number) => {
        if (n === 0) state.last = new Float64Array(10_000).fill(5)
        return n === 1 ? state.last?.length : state.last
      },
      [0, 1, 2],
      { chunkSize: 3 },
    )
    await job.settled()
    expect(await job.tasks[0]).to.deep.equal(new Float64Array(10_000).fill(5))
    expect(await job.tasks[1]).to.equal(0)
    expect(job.tasks[2]?.error?.message).to.include("its memory was moved away")
  })

  it("give captured values, extra arguments and inputs as often as they like", async () => {
    const captured = new Float64Array(10_000).fill(1)
    const extra = new Float64Array(10_000).fill(2)
    const input = new Float64Array(10_000).fill(3)
    const results = await fexec.map(
      (own: Float64Array, _ctx, given: Float64Array) => [captured, given, own],
      [input, input, input, input],
      { extraArgs: [extra], chunkSize: 4 },
    )
    for (const arrays of results)
      expect(arrays.map((array) => [array.length, array.at(-1)])).to.deep.equal([
        [10_000, 1],
        [10_000, 2],
        [10_000, 3],
      ])
    expect(input.length).to.equal(10_000)
  })

  it("have environments of their own", async () => {
    const seen = await fexec.map(
      () => {
        process.env.CELLFAN_TEST_WRITTEN = "by a task"
        return process.env.CELLFAN_TEST_GIVEN
      },
      [0],
      { env: { CELLFAN_TEST_GIVEN: "to tasks" } },
    )
    expect(seen).to.deep.equal(["to tasks"])
    expect(process.env.CELLFAN_TEST_WRITTEN).to.equal(undefined)
    expect(process.env.CELLFAN_TEST_GIVEN).to.equal(undefined)
  })

  it("are told their own CPU time, not that of the process", async function () {
    if (process.platform !== "linux") this.skip()
    const job = fexec.map(
      (n: number) => {
        if (n === 0) return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
        const until = performance.now() + 300
        while (performance.now() < until) {}
        return ""
      },
      [0, 1],
      { chunkSize: 1 },
    )
    await job
    const [resting = Number.NaN, busy = Number.NaN] = job.tasks.map((task) => task.stats.cpuMs)
    // However little a busy machine gives it.
    expect(busy).to.be.greaterThan(3 * resting)
  })
})

/** What of docs/faults.md holds for threads, and how. */
describe("A task that harms its thread", () => {
  let fexec: LocalhostExecutor
  beforeEach(() => {
    fexec = new LocalhostExecutor({ workers: 2, isolation: "thread" })
  })
  afterEach(() => fexec.close())

  const inputs = Array.from({ length: 100 }, (_, i) => i)

  it("by process.exit is run once more, then named; the others have their results", async () => {
    const job = fexec.map((n: number) => {
      if (n === 60) process.exit(1)
      return n
    }, inputs)
    const error = await failureOf<JobError>(job)
    expect(error.errors).to.have.length(1)
    expect(error.errors[0]).to.be.instanceOf(WorkerLostError)
    expect(error.errors[0]?.message).to.include("called process.exit(1)")
    expect(job.counts).to.include({ done: 99, failed: 1 })
  })

  it("by allocating without bound is told that it ran out of memory", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n !== 3) return n
        let kept: object = {}
        for (;;) kept = { kept, list: new Array(10_000).fill(n) }
      },
      [0, 1, 2, 3, 4, 5],
      { memoryMiB: 40, chunkSize: 6 },
    )
    const error = await failureOf<JobError>(job)
    expect(error.errors[0]?.message).to.include("ran out of memory")
    // The kernel sees which task it was: no other one is suspect.
    expect(job.stats()).to.include({ repeated: 0, retries: 1 })
    expect(job.counts).to.include({ done: 5, failed: 1 })
  }).timeout(60_000)

  it("by never ending is ended at its timeout, and those behind it run", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n % 10 === 3) for (;;) {}
        return n
      },
      inputs.slice(0, 20),
      { timeoutMs: 300 },
    )
    const error = await failureOf<JobError>(job)
    expect(error.errors.map((e) => e.name)).to.deep.equal(["TimeoutError", "TimeoutError"])
    expect(error.errors[0]).to.be.instanceOf(TimeoutError)
    expect(job.counts).to.include({ done: 18, failed: 2 })
  })

  it("by never ending can be cancelled, and the thread is replaced", async () => {
    const job = fexec.map((n: number) => {
      if (n < 2) for (;;) {}
      return n
    }, inputs)
    await waitUntil(() => job.counts.running >= 2)
    job.cancel()
    await job.settled()
    expect(await fexec.map((n: number) => n, [1, 2, 3])).to.deep.equal([1, 2, 3])
  })

  it("by throwing from a timer after it ended is heard in its log, and others go on", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n === 0)
          setTimeout(() => {
            throw new Error("too late")
          }, 5)
        return process.getBuiltinModule("node:worker_threads").threadId
      },
      [0, 1],
    )
    const [thread] = await job
    await waitUntil(() => (job.tasks[0]?.logs.length ?? 0) > 0)
    expect(job.tasks[0]?.logs[0]?.text).to.include("Uncaught after the task had ended: Error: too late")
    await sleep(20)
    const threads = await fexec.map(
      () => process.getBuiltinModule("node:worker_threads").threadId,
      [1, 2, 3, 4],
    )
    expect(threads).to.include(thread)
  })

  it("by printing without end is cut in the middle", async () => {
    const job = fexec.map(
      (n: number) => {
        const line = `${"x".repeat(1023)}\n`
        for (let i = 0; i < 64 * 1024; i++) process.stdout.write(line)
        console.log("the end")
        return n
      },
      [0],
    )
    await job
    const text = (job.tasks[0]?.logs ?? []).map((log) => log.text).join("")
    expect(text.endsWith("the end\n")).to.equal(true)
    expect(text).to.match(/characters cut/)
    expect(text.length).to.be.lessThan(1024 * 1024)
  }).timeout(30_000)

  it("by process.abort fails: Node refuses that in threads", async () => {
    const error = await failureOf(fexec.callAsync(() => process.abort(), 0))
    expect(error.message).to.include("process.abort() is not supported in workers")
  })
})
