import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"

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
})
