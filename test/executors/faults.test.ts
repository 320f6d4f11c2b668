import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { expect } from "chai"
import {
  CancelledError,
  type JobError,
  LocalhostExecutor,
  TimeoutError,
  WorkerLostError,
} from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"
import { isAlive, waitUntil } from "../support/processes.ts"

/** What a task may do to its worker, and who is told what. */
describe("A task that harms its worker", () => {
  let fexec: LocalhostExecutor
  beforeEach(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  afterEach(() => fexec.close())

  const inputs = Array.from({ length: 200 }, (_, i) => i)

  it("by process.exit is run once more, then named; all others have their results", async () => {
    const job = fexec.map((n: number) => {
      if (n === 60) process.exit(1)
      return n
    }, inputs)
    const error = await failureOf<JobError>(job)
    expect(error.errors).to.have.length(1)
    expect(error.errors[0]).to.be.instanceOf(WorkerLostError)
    expect(error.errors[0]?.message).to.equal(
      "Task 60 lost its worker at attempt 2: the process called process.exit(1).",
    )
    expect(job.counts).to.include({ done: 199, failed: 1 })
  })

  it("by ending it without a word is found among its batch, and named with the signal", async () => {
    const job = fexec.map((n: number) => {
      if (n === 60) process.kill(process.pid, "SIGKILL")
      return n
    }, inputs)
    const error = await failureOf<JobError>(job)
    expect(error.errors.map((e) => [e.name, (e as WorkerLostError).index])).to.deep.equal([
      ["WorkerLostError", 60],
    ])
    expect(error.errors[0]?.message).to.include("was killed by SIGKILL")
    expect(job.counts).to.include({ done: 199, failed: 1 })
  })

  it("by a native abort is named so", async () => {
    const error = await failureOf(fexec.callAsync(() => process.abort(), 0))
    expect(error).to.be.instanceOf(WorkerLostError)
    expect(error.message).to.include("SIGABRT (it aborted itself)")
  })

  it("by allocating without bound is told that it ran out of memory", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n !== 3) return n
        const kept: unknown[] = []
        for (;;) kept.push(new Array(1000).fill(n))
      },
      [0, 1, 2, 3, 4, 5],
      { memoryMiB: 40 },
    )
    const error = await failureOf<JobError>(job)
    expect(error.errors[0]).to.be.instanceOf(WorkerLostError)
    expect(error.errors[0]?.message).to.include("ran out of memory")
    expect(job.counts).to.include({ done: 5, failed: 1 })
  }).timeout(60_000)

  it("by closing its channel is lost like one that died", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n === 1) process.getBuiltinModule("node:fs").closeSync(4)
        return n
      },
      [0, 1, 2],
      { lostRetries: 0 },
    )
    await job.settled()
    expect(job.tasks[1]?.error).to.be.instanceOf(WorkerLostError)
    expect(job.counts).to.include({ done: 2, failed: 1 })
  })

  it("by writing nonsense to its channel is lost, and the kernel is unharmed", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n === 1) process.getBuiltinModule("node:fs").writeSync(4, "this is no message of ours".repeat(9))
        return n
      },
      [0, 1, 2],
      { lostRetries: 0 },
    )
    await job.settled()
    expect(job.tasks[1]?.error?.message).to.include("what is no message of ours")
    expect(job.counts).to.include({ done: 2, failed: 1 })
  })

  it("by throwing from a timer while it runs fails with that error", async () => {
    const error = await failureOf(
      fexec.callAsync(
        () =>
          new Promise(() =>
            setTimeout(() => {
              throw new RangeError("from a timer")
            }, 5),
          ),
        0,
      ),
    )
    expect(error.message).to.equal("Task 0 failed: RangeError: from a timer")
  })

  it("by throwing from a timer after it ended is heard in its log, and others go on", async () => {
    const job = fexec.map(
      (n: number) => {
        if (n === 0)
          setTimeout(() => {
            throw new Error("too late")
          }, 5)
        return process.pid
      },
      [0, 1],
    )
    const [pid] = await job
    await waitUntil(() => (job.tasks[0]?.logs.length ?? 0) > 0)
    expect(job.tasks[0]?.logs[0]?.text).to.include("Uncaught after the task had ended: Error: too late")
    const pids = await fexec.map(() => process.pid, [1, 2, 3, 4])
    expect(pids).to.include(pid)
  })

  it("by never ending is ended at its timeout, and those behind it run", async () => {
    const started = Date.now()
    const job = fexec.map(
      (n: number) => {
        if (n % 10 === 3) for (;;) {}
        return n
      },
      inputs.slice(0, 20),
      { timeoutMs: 300 },
    )
    const error = await failureOf<JobError>(job)
    expect(error.errors.map((e) => [e.name, (e as TimeoutError).index])).to.deep.equal([
      ["TimeoutError", 3],
      ["TimeoutError", 13],
    ])
    expect(error.errors[0]).to.be.instanceOf(TimeoutError)
    expect(error.errors[0]?.message).to.equal("Task 3 ran longer than 300 ms and was ended.")
    expect(job.counts).to.include({ done: 18, failed: 2 })
    expect(Date.now() - started).to.be.lessThan(6000)
  })

  it("by waiting too long has its signal aborted, and keeps its worker if it heeds it", async () => {
    const job = fexec.map(
      (_: number, ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener("abort", () => resolve((ctx.signal.reason as Error).name))
        }),
      [0],
      { timeoutMs: 50 },
    )
    await job.settled()
    expect(job.tasks[0]?.error).to.be.instanceOf(TimeoutError)
    const worker = job.tasks[0]?.stats.worker
    await sleep(700)
    expect(`localhost:${await fexec.callAsync(() => process.pid, 0)}`).to.equal(worker)
  })

  it("by never ending can be cancelled, and the worker is replaced", async () => {
    const job = fexec.map((n: number) => {
      if (n < 2) for (;;) {}
      return n
    }, inputs)
    await waitUntil(() => job.counts.running >= 2)
    const pids = [0, 1].map((i) => Number(job.tasks[i]?.stats.worker?.split(":")[1]))
    job.cancel()
    expect(await failureOf(job)).to.be.instanceOf(CancelledError)
    expect(await fexec.map((n: number) => n, [1, 2, 3])).to.deep.equal([1, 2, 3])
    await waitUntil(() => pids.every((pid) => !isAlive(pid)))
  })

  it("by printing a gigabyte is cut in the middle, keeps beginning and end, and harms nobody", async () => {
    const before = process.memoryUsage.rss()
    const job = fexec.map(
      (n: number) => {
        if (n !== 0) return n
        const line = `${"x".repeat(1023)}\n`
        console.log("the beginning")
        for (let i = 0; i < 1024 * 1024; i++) process.stdout.write(line)
        console.log("the end")
        return n
      },
      [0, 1, 2, 3],
    )
    expect(await job).to.deep.equal([0, 1, 2, 3])
    const text = (job.tasks[0]?.logs ?? []).map((log) => log.text).join("")
    expect(text.startsWith("the beginning\n")).to.equal(true)
    expect(text.endsWith("the end\n")).to.equal(true)
    expect(text).to.match(/… 1,07\d,\d{3},\d{3} characters cut …/)
    expect(text.length).to.be.lessThan(1024 * 1024)
    expect(process.memoryUsage.rss() - before).to.be.lessThan(100 * 1024 * 1024)
  }).timeout(60_000)

  it("by printing past the console is heard and bounded as well", async () => {
    const job = fexec.map(
      (n: number) => {
        const { writeSync } = process.getBuiltinModule("node:fs")
        const line = `${"y".repeat(1023)}\n`
        for (let i = 0; i < 20 * 1024; i++) writeSync(1, line)
        return n
      },
      [0],
    )
    await job
    const text = (job.tasks[0]?.logs ?? []).map((log) => log.text).join("")
    expect(text.length).to.be.within(100 * 1024, 1024 * 1024)
  }).timeout(30_000)
})

describe("A worker killed from outside in mid-map", () => {
  it("costs the tasks of its last milliseconds: they run again and are counted, and every result is there and right", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const job = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 4))
        return n * n
      },
      Array.from({ length: 150 }, (_, i) => i),
    )
    for (let kill = 0; kill < 3; kill++) {
      await waitUntil(() => job.counts.done >= 20 + 40 * kill)
      const running = job.tasks.filter((task) => task.state === "running")
      const pid = Number(running[0]?.stats.worker?.split(":")[1])
      if (pid > 0 && isAlive(pid)) process.kill(pid, "SIGKILL")
    }
    const results = await job
    expect(results).to.deep.equal(Array.from({ length: 150 }, (_, i) => i * i))
    const { retries, repeated } = job.stats()
    expect(retries).to.be.at.most(3)
    // A batch of forty milliseconds has at most ten of these tasks.
    expect(retries + repeated).to.be.within(1, 3 * 10)
  })
})

describe("When the kernel dies", () => {
  it("no worker outlives it, not even one that never lets go of its processor", async () => {
    const program = fileURLToPath(new URL("fixtures/busy-host.ts", import.meta.url))
    const host = spawn(process.execPath, ["--import", "tsx", program], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [line] = await once(host.stdout.setEncoding("utf8"), "data")
    const pids = String(line).trim().split(" ").map(Number)
    expect(pids).to.have.length(2)
    expect(pids.every(isAlive)).to.equal(true)
    host.kill("SIGKILL")
    await waitUntil(() => pids.every((pid) => !isAlive(pid)), 5000)
  })

  it("a script that forgets to close its executor ends all the same, and its workers with it", async () => {
    const program = fileURLToPath(new URL("fixtures/forgetful.ts", import.meta.url))
    const host = spawn(process.execPath, ["--import", "tsx", program], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [line] = await once(host.stdout.setEncoding("utf8"), "data")
    const [code] = await once(host, "exit")
    expect(code).to.equal(0)
    const pid = Number(line)
    await waitUntil(() => !isAlive(pid), 5000)
  })
})

describe("When the kernel is busy with its own code", () => {
  it("workers wait for it, and no task is taken to have run too long", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    await fexec.map((n: number) => n, [1, 2, 3, 4])
    const job = fexec.map(
      (n: number) => n + 1,
      Array.from({ length: 5000 }, (_, i) => i),
      { timeoutMs: 200 },
    )
    await sleep(1)
    const until = Date.now() + 1500
    while (Date.now() < until) {}
    expect((await job).at(-1)).to.equal(5000)
  })
})
