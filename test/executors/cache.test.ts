import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect } from "chai"
import { capture } from "../../kernel-ext/capture/capture.ts"
import { ResultCache, takesContext } from "../../kernel-ext/executors/result-cache.ts"
import { FolderStore } from "../../kernel-ext/executors/result-store.ts"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"

describe("cache", () => {
  let folder: string
  let fexec: LocalhostExecutor
  const own = process.env.XDG_CACHE_HOME
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-cache-"))
    process.env.XDG_CACHE_HOME = folder
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(async () => {
    await fexec.close()
    if (own === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = own
    rmSync(folder, { recursive: true })
  })

  it("gives known results without running their tasks, in a later process as well", async () => {
    const program = fileURLToPath(new URL("fixtures/cached.ts", import.meta.url))
    const run = async () => {
      const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", program], {
        env: { ...process.env, XDG_CACHE_HOME: folder },
      })
      return JSON.parse(stdout)
    }
    const [first, second] = [await run(), await run()]
    expect(first).to.deep.include({ results: [1, 4, 9], recalled: 0 })
    expect(second).to.deep.equal({ ...first, recalled: 3 })
  }).timeout(60_000)

  it("has what a job gave when the next one begins, though it is still on its way to the disk", async () => {
    const large = (n: number) => new Uint8Array(1_000_000).fill(n)
    for (let round = 0; round < 5; round++) {
      const inputs = Array.from({ length: 20 }, (_, index) => 20 * round + index)
      await fexec.map(large, inputs, { cache: true })
      const again = fexec.map(large, inputs, { cache: true })
      await again
      expect(again.stats().recalled).to.equal(20)
    }
  }).timeout(20_000)

  describe("in one process", () => {
    const store = () => new FolderStore(join(folder, "own"))

    const cacheFor = (fn: (...args: never[]) => unknown, seed = 0, env: Record<string, string> = {}) =>
      new ResultCache(store(), { fn, captured: capture(fn), extraArgs: undefined, options: { seed, env } })

    it("finds what the same function gave for the same input, and nothing else", async () => {
      let factor = 2
      const scale = (n: number) => n * factor
      cacheFor(scale).remember(0, 21, 42)
      await until(async () => (await cacheFor(scale).recall(0, 21)) !== undefined)
      expect(await cacheFor(scale).recall(5, 21)).to.deep.equal({ value: 42 })
      expect(await cacheFor(scale).recall(0, 22)).to.equal(undefined)
      expect(await cacheFor(scale, 0, { A: "1" }).recall(0, 21)).to.equal(undefined)
      expect(await cacheFor((n: number) => n * factor + 0).recall(0, 21)).to.equal(undefined)
      // A captured value belongs to the function.
      factor = 3
      expect(await cacheFor(scale).recall(0, 21)).to.equal(undefined)
    })

    it("counts seed and index for a function that sees its context", async () => {
      const draw = (n: number, ctx: { random(): number }) => n + ctx.random()
      cacheFor(draw, 1).remember(3, 5, 5.25)
      await until(async () => (await cacheFor(draw, 1).recall(3, 5)) !== undefined)
      expect(await cacheFor(draw, 1).recall(4, 5)).to.equal(undefined)
      expect(await cacheFor(draw, 2).recall(3, 5)).to.equal(undefined)
      expect(takesContext((n: number) => n)).to.equal(false)
      expect(takesContext(async ({ a }: { a: number }) => a)).to.equal(false)
      expect(takesContext((n: number, ctx = {}) => [n, ctx])).to.equal(true)
      expect(takesContext((...all: unknown[]) => all)).to.equal(true)
      expect(
        takesContext(function () {
          // biome-ignore lint/complexity/noArguments: what is looked for.
          return arguments.length
        }),
      ).to.equal(true)
    })

    it("keeps values whole: typed arrays, maps, what JSON cannot say", async () => {
      const value = new Map<string, unknown>([
        ["numbers", new Float64Array(50_000).fill(0.5)],
        ["big", 10n],
        ["missing", undefined],
        ["date", new Date(5)],
      ])
      const fn = (n: number) => n
      cacheFor(fn).remember(0, "whole", value)
      await until(async () => (await cacheFor(fn).recall(0, "whole")) !== undefined)
      expect((await cacheFor(fn).recall(0, "whole"))?.value).to.deep.equal(value)
    })

    it("takes a file that was cut for one that is not there", async () => {
      const own = join(folder, "cut")
      const fn = (n: number) => n
      const cut = () =>
        new ResultCache(new FolderStore(own), {
          fn,
          captured: capture(fn),
          extraArgs: undefined,
          options: { seed: 0, env: {} },
        })
      cut().remember(0, 1, "a result of some length")
      await until(async () => (await cut().recall(0, 1)) !== undefined)
      const [inner = ""] = readdirSync(own)
      const [file = ""] = readdirSync(join(own, inner))
      truncateSync(join(own, inner, file), 20)
      expect(await cut().recall(0, 1)).to.equal(undefined)
    })

    describe("of a job", () => {
      it("runs only what is new when the inputs change, and what failed before", async () => {
        const salt = `${process.pid} ${Date.now()}`
        const fn = (n: number) => {
          if (n === 3) throw new Error("three")
          return `${n} ${salt.length}${salt}`
        }
        const first = fexec.map(fn, [1, 2, 3], { cache: true })
        await first.settled()
        expect(first.stats().recalled).to.equal(0)
        await new Promise((resolve) => setTimeout(resolve, 200))
        const second = fexec.map(fn, [4, 2, 1, 3], { cache: true })
        await second.settled()
        expect(second.stats().recalled).to.equal(2)
        expect(second.counts).to.include({ done: 3, failed: 1 })
        expect(await second.tasks[2]).to.equal(await first.tasks[0])
        // What was known had no worker.
        expect(second.tasks[1]?.stats.worker).to.equal(undefined)
        expect(second.tasks[0]?.stats.worker).to.match(/^localhost:/)
      })

      it("waits for inputs that are promises, and fails those that are rejected", async () => {
        const salt = `${process.pid} ${Date.now()} promises`
        const fn = (n: number) => `${n} ${salt}`
        const inputs = () => [Promise.resolve(1), Promise.reject(new Error("upstream")), 2]
        const first = fexec.map(fn, inputs(), { cache: true })
        expect((await first.settled()).map(({ status }) => status)).to.deep.equal([
          "fulfilled",
          "rejected",
          "fulfilled",
        ])
        await new Promise((resolve) => setTimeout(resolve, 200))
        const second = fexec.map(fn, inputs(), { cache: true })
        await second.settled()
        expect(second.stats().recalled).to.equal(2)
        expect(second.tasks[1]?.error?.message).to.include("upstream")
      })

      it("is for jobs that ask for it: others run all their tasks", async () => {
        const fn = (n: number) => `${n} always`
        await fexec.map(fn, [1], { cache: true })
        await new Promise((resolve) => setTimeout(resolve, 100))
        const job = fexec.map(fn, [1])
        await job
        expect(job.stats().recalled).to.equal(0)
      })
    })
  })
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error("What was waited for did not come")
}
