import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { expect } from "chai"
import { variableOf } from "../../kernel-ext/config/entries.ts"
import type { SectionName } from "../../kernel-ext/config/sections.ts"
import type { Executor } from "../../kernel-ext/executors/executor.ts"
import { localSettings } from "../../kernel-ext/executors/localhost.ts"
import { serverless } from "../../kernel-ext/executors/serverless.ts"
import { standalone } from "../../kernel-ext/executors/standalone.ts"
import {
  ConfigError,
  FunctionExecutor,
  LocalhostExecutor,
  ServerlessExecutor,
  StandaloneExecutor,
} from "../../kernel-ext/index.ts"

/** Runs `body` with these environment variables. */
function within<T>(variables: Readonly<Record<string, string>>, body: () => T): T {
  Object.assign(process.env, variables)
  try {
    return body()
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name]
  }
}

describe("FunctionExecutor", () => {
  it("runs on this machine when nothing says otherwise", async () => {
    await using fexec = new FunctionExecutor({ workers: 1 })
    expect(fexec.backend).to.equal("localhost")
    expect(inspect(fexec)).to.match(/^FunctionExecutor on localhost, \d+ workers?$/)
    expect(await fexec.map((n: number) => n + 1, [1, 2])).to.deep.equal([2, 3])
  })

  it("refuses a mode that does not exist, saying where it was read", () => {
    expect(() => new FunctionExecutor({ mode: "lokalhost" as never })).to.throw(ConfigError, /"localhost"/)
    within({ CELLFAN_MODE: "elsewhere" }, () => {
      expect(() => new FunctionExecutor()).to.throw(
        ConfigError,
        /CELLFAN_MODE takes "localhost".* but got 'elsewhere'/,
      )
    })
  })

  it("says of a backend that there is none, which there are, and which may be meant", () => {
    within({ CELLFAN_BACKEND: "lambda" }, () => {
      expect(() => new FunctionExecutor()).to.throw(
        ConfigError,
        /knows no backend "lambda"; did you mean `aws_lambda`\? It takes localhost, aws_lambda, .*CELLFAN_BACKEND/,
      )
    })
  })

  it("runs on machines where an option, the mode or the backend says so, and asks for them where there are none", async () => {
    expect(() => new FunctionExecutor({ mode: "standalone" })).to.throw(
      ConfigError,
      /told of no machines.*`nats`/,
    )
    const queue = { CELLFAN_STANDALONE_NATS: "nats://127.0.0.1:4222" }
    const executors = [
      within(queue, () => new FunctionExecutor({ mode: "standalone" })),
      within({ ...queue, CELLFAN_MODE: "standalone" }, () => new FunctionExecutor()),
      within({ ...queue, CELLFAN_BACKEND: "nats" }, () => new FunctionExecutor()),
    ]
    expect(executors.map(({ backend }) => backend)).to.deep.equal(["nats", "nats", "nats"])
    for (const fexec of executors) await fexec.close()
  })

  it("runs in serverless functions where an option, the mode or the backend says so", async () => {
    const backends = [
      new FunctionExecutor({ mode: "serverless", workers: 7 }),
      within({ CELLFAN_MODE: "serverless" }, () => new FunctionExecutor()),
      within({ CELLFAN_BACKEND: "aws_lambda" }, () => new FunctionExecutor()),
    ]
    expect(backends.map(({ backend }) => backend)).to.deep.equal(["aws_lambda", "aws_lambda", "aws_lambda"])
    expect(backends.map(({ workers }) => workers)).to.deep.equal([7, 1000, 1000])
    for (const fexec of backends) await fexec.close()
  })

  it("takes from the configuration what its options leave open, and its options first", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-config-"))
    const file = join(folder, "config.yaml")
    writeFileSync(file, "cellfan:\n  mode: localhost\n  retries: 1\nlocalhost:\n  workers: 3\n")
    const made = within({ CELLFAN_CONFIG_FILE: file }, () => [
      new FunctionExecutor(),
      new FunctionExecutor({ workers: 1 }),
      new LocalhostExecutor(),
    ])
    try {
      expect(made.map(({ workers }) => workers)).to.deep.equal([3, 1, 3])
      const flaky = (_: number, ctx: { attempt: number }) => {
        if (ctx.attempt === 1) throw new Error("once")
        return ctx.attempt
      }
      expect(await made[1]?.map(flaky, [0], { backoffMs: 1 })).to.deep.equal([2])
    } finally {
      await Promise.all(made.map((executor) => executor.close()))
      rmSync(folder, { recursive: true })
    }
  })
})

describe("Options of an executor", () => {
  const workersOf = async (make: () => Executor): Promise<number> => {
    const fexec = make()
    await fexec.close()
    return fexec.workers
  }
  const nats = ["nats://127.0.0.1:1"]
  const executors: Record<string, [section: string, key: string, make: (given?: number) => Executor]> = {
    LocalhostExecutor: ["localhost", "workers", (workers) => new LocalhostExecutor({ workers })],
    ServerlessExecutor: ["aws_lambda", "workers", (workers) => new ServerlessExecutor({ workers })],
    StandaloneExecutor: [
      "standalone",
      "workersPerHost",
      (workersPerHost) => new StandaloneExecutor({ nats, workersPerHost }),
    ],
    FunctionExecutor: ["localhost", "workers", (workers) => new FunctionExecutor({ workers })],
  }
  for (const [name, [section, key, make]] of Object.entries(executors)) {
    it(`come before the environment, which comes before the file and that before the default, in ${name}`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "cellfan-config-"))
      const CELLFAN_CONFIG_FILE = join(folder, "config.yaml")
      writeFileSync(CELLFAN_CONFIG_FILE, `${section}:\n  ${key}: 3\n`)
      try {
        const file = { CELLFAN_CONFIG_FILE }
        const both = { ...file, [variableOf(section as SectionName, key)]: "4" }
        const byDefault = await workersOf(() => make())
        expect([3, 4, 5]).to.not.include(byDefault)
        expect(await workersOf(() => within(file, () => make()))).to.equal(3)
        expect(await workersOf(() => within(both, () => make()))).to.equal(4)
        expect(await workersOf(() => within(both, () => make(5)))).to.equal(5)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  }

  it("that hold for tasks anywhere are taken from the section of all, and first from the executor's own", () => {
    within({ CELLFAN_TIMEOUT_MS: "1500", CELLFAN_RETRIES: "2", CELLFAN_CHUNK_SIZE: "7" }, () => {
      const inForce = { timeoutMs: 1500, retries: 2, chunkSize: 7 }
      expect(localSettings({}, "test").defaults).to.include(inForce)
      expect(serverless({}, "test").defaults).to.include(inForce)
      expect(standalone({ nats }, "test").defaults).to.include(inForce)
      const given = { timeoutMs: 60_000, retries: 0 }
      expect(localSettings(given, "test").defaults).to.include(given)
      // This much a function may take, and so may its tasks.
      expect(serverless(given, "test").defaults).to.include({ timeoutMs: undefined, retries: 0 })
      expect(standalone({ nats, ...given }, "test").defaults).to.include(given)
    })
  })

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
