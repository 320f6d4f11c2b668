import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { type JobError, LocalhostExecutor, WorkerLostError } from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"
import { KernelClient } from "../support/kernel-client.ts"
import { childrenOf, isAlive, waitUntil } from "../support/processes.ts"
import { root } from "../support/repository.ts"

/** Rows of docs/faults.md that the faults of test/executors do not cover: crashes of native code, sizes, the kernel's own end. */
describe("A task at the edge of what a worker bears", () => {
  let fexec: LocalhostExecutor
  beforeEach(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  afterEach(() => fexec.close())

  it("by crashing in native code is run once more, then named with the signal; the others have their results", async function () {
    if (process.platform !== "linux") this.skip()
    const job = fexec.map(
      (n: number) => {
        if (n !== 2) return n
        // Zeros where Node's own machine code was: the next instruction that runs there is a real fault of the processor.
        const fs = process.getBuiltinModule("node:fs")
        const line = fs
          .readFileSync("/proc/self/maps", "latin1")
          .split("\n")
          .find((one) => one.includes(" r-xp ") && one.includes(process.execPath))
        const [from = 0, to = 0] = (line?.split(" ")[0] ?? "")
          .split("-")
          .map((hex) => Number.parseInt(hex, 16))
        fs.writeSync(fs.openSync("/proc/self/mem", "r+"), Buffer.alloc(to - from), 0, to - from, from)
        return n
      },
      [0, 1, 2, 3, 4],
      { chunkSize: 1 },
    )
    const error = await failureOf<JobError>(job)
    expect(error.errors[0]).to.be.instanceOf(WorkerLostError)
    expect(error.errors[0]?.message).to.match(/attempt 2.*was killed by SIG(SEGV|ILL|BUS) \(native code/)
    expect(job.counts).to.include({ done: 4, failed: 1 })
    expect(job.stats().retries).to.equal(1)
  })

  it("by killing its worker within a millisecond is run twice in all, not more", async () => {
    const runs = join(mkdtempSync(join(tmpdir(), "cellfan-runs-")), "runs")
    const job = fexec.map(
      (n: number, _ctx, file: string) => {
        if (n !== 60) return n
        process.getBuiltinModule("node:fs").appendFileSync(file, "x")
        process.kill(process.pid, "SIGKILL")
        return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
      },
      Array.from({ length: 200 }, (_, i) => i),
      { chunkSize: 100, extraArgs: [runs] },
    )
    await failureOf(job)
    expect(readFileSync(runs, "utf8")).to.equal("xx")
    rmSync(dirname(runs), { recursive: true })
    expect(job.counts).to.include({ done: 199, failed: 1 })
  })

  it("by a result that cannot be sent fails by name, and its worker goes on", async () => {
    const job = fexec.map((n: number) => (n === 1 ? { inner: { fn: () => n } } : process.pid), [0, 1, 2], {
      chunkSize: 3,
    })
    const error = await failureOf<JobError>(job)
    expect(error.errors[0]?.message).to.match(
      /CaptureError: .*`result` → `inner` → `fn`: the function fn was made in the worker/,
    )
    expect(await job.tasks[0]).to.equal(await job.tasks[2])
  })

  it("by a result of a gigabyte has it sent whole", async () => {
    const size = 2 ** 30
    const result = await fexec.callAsync((bytes: number) => new Uint8Array(bytes).fill(7, bytes - 3), size)
    expect(result.length).to.equal(size)
    expect([result[0], result[size - 4], result[size - 1]]).to.deep.equal([0, 0, 7])
  }).timeout(120_000)

  it("by a result over two gigabytes is told the limit, and its worker goes on", async () => {
    const pid = await fexec.callAsync(() => process.pid, 0)
    const error = await failureOf(fexec.callAsync((bytes: number) => new Uint8Array(bytes), 2.5 * 2 ** 30))
    expect(error.message).to.include(
      "`result` is too large to be sent (a binary value of 2.5 GiB; 2 GiB are taken)",
    )
    const pids = await fexec.map(() => process.pid, [1, 2, 3, 4])
    expect(pids).to.include(pid)
  }).timeout(60_000)
})

describe("A kernel that is busy for ten seconds with a cell's own code", () => {
  it("loses no worker and no task, and times nothing out", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const before = new Set(await fexec.map(() => process.pid, [1, 2, 3, 4]))
    const job = fexec.map(
      (n: number) => ({ n, pid: process.pid }),
      Array.from({ length: 5000 }, (_, i) => i),
      { timeoutMs: 200 },
    )
    await sleep(1)
    const until = Date.now() + 10_000
    while (Date.now() < until) {}
    const results = await job
    expect(results.map(({ n }) => n)).to.deep.equal([...results.keys()])
    expect(results.every(({ pid }) => before.has(pid))).to.equal(true)
    expect(job.stats()).to.include({ retries: 0, repeated: 0 })
  }).timeout(60_000)
})

const endless = `
import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const job = fexec.map(() => { for (;;) {} }, [1, 2])
await new Promise((resolve) => { const timer = setInterval(() => { if (job.counts.running === 2) { clearInterval(timer); resolve(undefined) } }, 20) })
job.tasks.map((task) => task.stats.worker).join(" ")`

describe("When the kernel of a notebook ends with tasks at work that never let go", () => {
  const start = () => KernelClient.start({ command: [process.execPath, join(root, "dist", "kernel.js")] })

  async function startEndlessTasks(kernel: KernelClient): Promise<number[]> {
    const { iopub } = await kernel.served(await kernel.sendCell(endless), 45_000)
    const text = iopub.find(({ type }) => type === "execute_result")?.content.data["text/plain"] as string
    expect(text, JSON.stringify(iopub.map(({ type, content }) => [type, content]))).to.be.a("string")
    const pids = [...text.matchAll(/localhost:(\d+)/g)].map(([, pid]) => Number(pid))
    expect(pids).to.have.length(2)
    expect(pids.every(isAlive)).to.equal(true)
    return pids
  }

  it("by SIGKILL, no worker is there five seconds later", async () => {
    const kernel = await start()
    const pids = await startEndlessTasks(kernel)
    process.kill(kernel.pid, "SIGKILL")
    await waitUntil(() => pids.every((pid) => !isAlive(pid)), 5000)
    await kernel.close()
  }).timeout(60_000)

  it("by a restart, no worker of the old one is there five seconds later", async () => {
    const kernel = await start()
    const pids = await startEndlessTasks(kernel)
    await kernel.send("shutdown_request", { restart: true }, { channel: "control" })
    await waitUntil(() => pids.every((pid) => !isAlive(pid)), 5000)
    await waitUntil(() => !childrenOf(process.pid).includes(kernel.pid) || !isAlive(kernel.pid), 5000)
    await kernel.close()
  }).timeout(60_000)
})
