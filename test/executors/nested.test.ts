import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"
import { isAlive, waitUntil } from "../support/processes.ts"

const library = fileURLToPath(new URL("../../dist/index.js", import.meta.url))

describe("A task that fans out itself", () => {
  before(() => {
    if (!existsSync(library)) throw new Error(`${library} is missing: run \`npm run build\` first.`)
  })

  it("does so with workers of its own, also when every worker waits for such a task", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const sums = await fexec.map(
      async (n: number) => {
        const { LocalhostExecutor } = await import("cellfan")
        await using inner = new LocalhostExecutor()
        const parts = await inner.map((k: number) => k * 10, [n, n + 1])
        return { workers: inner.workers, sum: parts.reduce((a: number, b: number) => a + b, 0) }
      },
      [1, 2, 3, 4],
    )
    expect(sums.map(({ sum }) => sum)).to.deep.equal([30, 50, 70, 90])
    // Together they are no more than the machine can run.
    for (const { workers } of sums) expect(workers).to.be.at.least(1)
  }).timeout(30_000)

  it("may use the executor that runs it, which in a worker is one of its own", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const scale = 10
    const results = await fexec.map(
      async (n: number) => {
        const parts = await fexec.map((k: number) => [k * scale, process.pid] as const, [n, n + 1])
        return {
          sum: parts.reduce((a, [value]) => a + value, 0),
          pid: process.pid,
          inner: parts.map(([, pid]) => pid),
        }
      },
      [1, 2, 3, 4, 5, 6],
    )
    expect(results.map(({ sum }) => sum)).to.deep.equal([30, 50, 70, 90, 110, 130])
    const outer = new Set(results.map(({ pid }) => pid))
    const inner = new Set(results.flatMap((one) => one.inner))
    for (const pid of inner) expect(outer.has(pid)).to.equal(false)
    // Each worker of the outer map has one executor, whichever task asks for it.
    expect(inner.size).to.be.at.most(outer.size * 2)
  }).timeout(30_000)

  it("may do so three levels deep", async () => {
    await using fexec = new LocalhostExecutor({ workers: 1 })
    const count = async (depth: number): Promise<number> =>
      depth === 0 ? 1 : (await fexec.map(count, [depth - 1, depth - 1])).reduce((a, b) => a + b, 0)
    expect(await fexec.callAsync(count, 3)).to.equal(8)
  }).timeout(60_000)

  it("has an inner map that fails tell the outer one why", async () => {
    await using fexec = new LocalhostExecutor({ workers: 1 })
    const task = fexec.callAsync(async (n: number) => {
      await fexec.map(
        (k: number) => {
          throw new RangeError(`inner ${k}`)
        },
        [n],
      )
    }, 7)
    const error = await failureOf(task)
    expect(String(error)).to.include("JobError").and.to.include("RangeError: inner 7")
  }).timeout(30_000)

  it("leaves no inner worker behind when the outer executor is closed", async () => {
    const fexec = new LocalhostExecutor({ workers: 1 })
    const pids = await fexec.callAsync(async () => {
      const inner = await fexec.map(() => process.pid, [0])
      return [...inner, process.pid]
    }, 0)
    await fexec.close()
    await waitUntil(() => pids.every((pid) => !isAlive(pid)), 5000)
  }).timeout(30_000)
})
