import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { setCellBindings } from "../../kernel-ext/capture/capture.ts"
import type { Binding } from "../../kernel-ext/capture/types.ts"
import { CaptureError, ConfigError, type JobError } from "../../kernel-ext/index.ts"
import { ElsewhereBackend, ElsewhereExecutor } from "../support/elsewhere/backend.ts"
import { failureOf } from "../support/failure.ts"

describe("Packages of a function that runs elsewhere", () => {
  let folder: string
  const cache = process.env.XDG_CACHE_HOME
  const { error } = console
  let lines: string[] = []

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-notebook-"))
    process.env.XDG_CACHE_HOME = join(folder, "cache")
    lines = []
    console.error = (...words: unknown[]) => lines.push(words.join(" "))
    writePackage(folder, "plain", "exports.twice = (n) => n * 2")
    writePackage(folder, "native", "exports.where = 'the notebook'", { gypfile: true })
    setCellBindings({ folder, lookup: (name) => imports[name], scripts: () => [] })
  })

  afterEach(() => {
    console.error = error
    if (cache === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = cache
    setCellBindings(undefined)
    rmSync(folder, { recursive: true, force: true })
  })

  const imports: Record<string, Binding> = {
    plain: { kind: "import", specifier: "plain", name: "*" },
    native: { kind: "import", specifier: "native", name: "*" },
    missing: { kind: "import", specifier: "missing", name: "*" },
  }
  /** As in a cell: the names are no variables of this file. */
  const cellFunction = (body: string) => new Function("input", body) as (input: number) => unknown

  function writePackage(at: string, name: string, code: string, manifest: object = {}): void {
    const root = join(at, "node_modules", name)
    mkdirSync(root, { recursive: true })
    writeFileSync(join(root, "package.json"), JSON.stringify({ name, version: "1.0.0", ...manifest }))
    writeFileSync(join(root, "index.js"), code)
  }

  it("are bundled once, said in a line, and go with the batches", async () => {
    const backend = new ElsewhereBackend()
    await using fexec = new ElsewhereExecutor(backend)
    const fn = cellFunction("return plain.twice(input)")
    expect(await fexec.map(fn, [1, 2, 3])).to.deep.equal([2, 4, 6])
    expect(lines[0]).to.equal("Bundling plain …")
    expect(lines[1]).to.match(/^Bundled plain in \d+\.\d s: \d+ kB$/)
    expect(await fexec.map(fn, [4])).to.deep.equal([8])
    expect(lines).to.have.length(2)
    expect(readdirSync(join(folder, "cache", "cellfan", "packages"))).to.have.length(1)
  })

  it("are bundled anew for the next map when one of them has changed", async () => {
    await using fexec = new ElsewhereExecutor()
    writeFileSync(join(folder, "package-lock.json"), "1")
    const fn = cellFunction("return plain.twice(input)")
    await fexec.map(fn, [1])
    writePackage(folder, "plain", "exports.twice = (n) => [n, n]")
    writeFileSync(join(folder, "package-lock.json"), "2")
    expect(await fexec.map(fn, [1])).to.deep.equal([[1, 1]])
  })

  it("that need native code are refused before anything runs", async () => {
    await using fexec = new ElsewhereExecutor()
    const job = fexec.map(cellFunction("return native.where"), [1, 2])
    const failed = await failureOf<JobError>(job)
    expect(failed.errors[0]).to.be.instanceOf(CaptureError)
    expect(failed.message).to.contain('name it in packages: { external: ["native"] }')
    expect(job.tasks[0]?.stats.startedAtMs).to.equal(undefined)
  })

  it("that are named external are the place's own", async () => {
    const place = new ElsewhereBackend((at) => writePackage(at, "native", "exports.where = 'elsewhere'"))
    await using fexec = new ElsewhereExecutor(place)
    const fn = cellFunction("return [native.where, plain.twice(input)]")
    const options = { packages: { external: ["native"] } }
    expect(await fexec.map(fn, [2], options)).to.deep.equal([["elsewhere", 4]])
    expect(lines[0]).to.equal("Bundling plain …")
  })

  it("that are not installed are named", async () => {
    await using fexec = new ElsewhereExecutor()
    const failed = await failureOf<JobError>(fexec.map(cellFunction("return missing"), [1]))
    expect(failed.message).to.contain("missing cannot be bundled: Could not resolve")
  })

  it("of functions among the inputs have to be the mapped function's, too", async () => {
    await using fexec = new ElsewhereExecutor()
    const inner = cellFunction("return plain.twice(input)")
    const outer = cellFunction("return input(3)") as unknown as (fn: typeof inner) => number
    const failed = await failureOf<JobError>(fexec.map(outer, [inner]))
    expect(failed.message).to.contain("a function among the inputs imports plain")
    const knowing = cellFunction("plain; return input(3)") as unknown as (fn: typeof inner) => number
    expect(await fexec.map(knowing, [inner])).to.deep.equal([6])
  })

  it("can be cancelled while they are being bundled", async () => {
    await using fexec = new ElsewhereExecutor()
    const job = fexec.map(cellFunction("return plain.twice(input)"), [1])
    job.cancel()
    expect((await job.settled()).map(({ status }) => status)).to.deep.equal(["rejected"])
  })

  it("are an option with words of its own", async () => {
    await using fexec = new ElsewhereExecutor()
    const wrong = () => fexec.map((n: number) => n, [1], { packages: { external: [1] } } as never)
    expect(wrong).to.throw(
      ConfigError,
      'Option `packages` of map takes an object such as { external: ["sharp"] }',
    )
  })
})
