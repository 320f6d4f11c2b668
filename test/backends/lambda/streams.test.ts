import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { conformsToBackend } from "../../conformance/backend.ts"
import { waitUntil } from "../../support/processes.ts"
import { lambdaAt } from "../../support/servers/lambda-backend.ts"
import { type LambdaShim, startLambdaShim } from "../../support/servers/lambda-shim.ts"
import { TestExecutor } from "./executor.ts"

describe("Lambda that answers in parts", () => {
  let shim: LambdaShim
  before(async () => {
    shim = await startLambdaShim()
  })
  after(() => shim.stop())
  const options = { streams: true, roleArn: "arn:aws:iam::000000000000:role/tests" }

  conformsToBackend("aws_lambda with streams", () => lambdaAt(shim.url, options))

  it("shows logs and progress while the task runs", async () => {
    await using fexec = new TestExecutor(shim.url, options)
    const task = fexec.callAsync(async (_: number, ctx) => {
      ctx.log("begun")
      ctx.progress(0.5, "half")
      await new Promise((resolve) => setTimeout(resolve, 1500))
      return "done"
    }, 1)
    await waitUntil(() => task.logs.length > 0)
    expect(task.state).to.equal("running")
    expect(task.logs[0]?.text).to.equal("begun\n")
    expect(await task).to.equal("done")
  })

  it("counts each task once where the connection breaks in the middle of an answer, and runs only those again that were not heard of", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-parts-"))
    await using fexec = new TestExecutor(shim.url, { ...options, workers: 1, firstPauseMs: 10 })
    const task = async (n: number, _: unknown, file: string) => {
      const { appendFileSync } = await import("node:fs")
      appendFileSync(file, `${n}\n`)
      await new Promise((resolve) => setTimeout(resolve, 150))
      return n * n
    }
    try {
      const ran = join(folder, "ran")
      shim.calls.push({ kind: "lost", afterParts: 3 })
      const job = fexec.map(task, [0, 1, 2, 3, 4, 5], { chunkSize: 6, extraArgs: [ran] })
      const counted: number[] = []
      for await (const one of job as AsyncIterable<unknown>) counted.push((one as { index: number }).index)
      expect(await job).to.deep.equal([0, 1, 4, 9, 16, 25])
      expect(counted.sort()).to.deep.equal([0, 1, 2, 3, 4, 5])
      expect(job.counts).to.include({ done: 6, failed: 0 })
      expect([...job.tasks].map(({ stats }) => stats.attempt)).to.deep.equal([1, 1, 1, 1, 1, 1])
      const times = [0, 1, 2, 3, 4, 5].map(
        (n) =>
          readFileSync(ran, "utf8")
            .split("\n")
            .filter((line) => line === String(n)).length,
      )
      expect(times[0]).to.equal(1)
      expect(times[5]).to.equal(2)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("tells what a job has cost by the time it has settled", async () => {
    await using fexec = new TestExecutor(shim.url, options)
    const job = fexec.map(() => sleepFor(200), [1, 2])
    await job
    // Two calls of 512 MiB for 0.2 s each, and at most two starts of an instance.
    expect(job.costUsd).to.be.within(
      2 * (0.2e-6 + 0.2 * 0.5 * 1.66667e-5),
      20 * (0.2e-6 + 0.2 * 0.5 * 1.66667e-5),
    )
    expect(job.stats().costUsd).to.equal(job.costUsd)
    await sleep(1)
  })
})

function sleepFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
