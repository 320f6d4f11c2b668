import { expect } from "chai"
import { ConfigError, FunctionExecutor, LocalhostExecutor } from "../../kernel-ext/index.ts"

describe("FunctionExecutor", () => {
  it("runs on this machine when nothing says otherwise", async () => {
    await using fexec = new FunctionExecutor({ workers: 1 })
    expect(fexec.backend).to.equal("localhost")
    expect(await fexec.map((n: number) => n + 1, [1, 2])).to.deep.equal([2, 3])
  })

  it("refuses a mode that does not exist, saying where it was read", () => {
    expect(() => new FunctionExecutor({ mode: "lokalhost" as never })).to.throw(ConfigError, /"localhost"/)
    process.env.CELLFAN_MODE = "elsewhere"
    try {
      expect(() => new FunctionExecutor()).to.throw(ConfigError, /"elsewhere" yet \(read from CELLFAN_MODE\)/)
    } finally {
      delete process.env.CELLFAN_MODE
    }
  })
})

describe("Options of an executor", () => {
  it("hold for its jobs, unless a job says otherwise", async () => {
    await using fexec = new LocalhostExecutor({ workers: 1, retries: 1 })
    const flaky = (n: number, ctx: { attempt: number }) => {
      if (ctx.attempt <= n) throw new Error("not yet")
      return ctx.attempt
    }
    expect(await fexec.map(flaky, [0, 1], { backoffMs: 1 })).to.deep.equal([1, 2])
    expect((await fexec.map(flaky, [0, 1], { retries: 0 }).settled()).map((o) => o.status)).to.deep.equal([
      "fulfilled",
      "rejected",
    ])
  })
})

describe("backupAfter", () => {
  it("runs a second copy of a task that hangs, and takes whichever is done first", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const started = Date.now()
    const folder = process
      .getBuiltinModule("node:fs")
      .mkdtempSync(
        process
          .getBuiltinModule("node:path")
          .join(process.getBuiltinModule("node:os").tmpdir(), "cellfan-backup-"),
      )
    const job = fexec.map(
      async (n: number) => {
        const { existsSync, writeFileSync } = process.getBuiltinModule("node:fs")
        const mark = `${process.env.MARKS}/${n}`
        // The first run of task 5 hangs, as one does on a machine that is in trouble.
        if (n === 5 && !existsSync(mark)) {
          writeFileSync(mark, "")
          await new Promise((resolve) => setTimeout(resolve, 20_000))
        }
        return n
      },
      Array.from({ length: 20 }, (_, i) => i),
      { backupAfter: 3, env: { MARKS: folder } },
    )
    expect(await job).to.deep.equal(Array.from({ length: 20 }, (_, i) => i))
    expect(Date.now() - started).to.be.lessThan(8000)
    // The copy that lost is ended, and its worker is there again.
    expect(await fexec.map((n: number) => n, [1, 2, 3, 4])).to.have.length(4)
    process.getBuiltinModule("node:fs").rmSync(folder, { recursive: true })
  })
})
