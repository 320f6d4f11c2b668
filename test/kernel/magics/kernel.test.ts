import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { KernelClient, type KernelMessage, type Served } from "../../support/kernel-client.ts"
import { root } from "../../support/repository.ts"

/** What a Jupyter client sees of magics, with the kernel as it is installed. */

function textOf({ iopub }: Served, type: string): string {
  const text = ({ content }: KernelMessage) => content.text ?? content.data?.["text/plain"] ?? ""
  return iopub
    .filter((message) => message.type === type)
    .map(text)
    .join("")
}

function plain(lines: readonly string[]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI colours begin with one
  return lines.join("\n").replace(/\u001b\[[0-9;]*m/g, "")
}

describe("Magics over the wire", function () {
  this.timeout(90_000)
  let folder: string
  let kernel: KernelClient

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-wire-"))
    kernel = await KernelClient.start({
      command: [process.execPath, join(root, "dist", "kernel.js")],
      cwd: folder,
    })
    await run("const words = ['a', 'bb', 'ccc']")
  })
  after(async () => {
    await kernel?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (code: string) => kernel.request("execute_request", { ...order, code }, { limitMs: 60_000 })
  const order = {
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: true,
  }

  it("make an executor and run a cell on it, with a grid under the cell and a typed result", async () => {
    const made = await run("%LocalhostExecutor --workers 2")
    expect(textOf(made, "stream")).to.equal("LocalhostExecutor with 2 workers on localhost, as fexec.\n")
    const mapped = await run("%%LocalhostExecutor --map words --as word --into lengths\nword.length * 2")
    const shown = mapped.iopub.find(({ type }) => type === "display_data")
    expect(shown?.content.data).to.have.property("application/vnd.cellfan.job+json")
    expect(textOf(await run("lengths"), "execute_result")).to.equal("[ 2, 4, 6 ]")
    const wrong = await run("const wrong: string[] = lengths")
    expect(plain(wrong.reply.content.traceback)).to.include(
      "Type 'number[]' is not assignable to type 'string[]'",
    )
  })

  it("give usage errors in one line, without a stack", async () => {
    const { reply } = await run("%x")
    expect(reply.content).to.include({ status: "error", ename: "UsageError" })
    expect(reply.content.evalue).to.equal("Line magic function `%x` not found. %lsmagic lists them all.")
    expect(plain(reply.content.traceback)).to.equal(`UsageError: ${reply.content.evalue}`)
  })

  it("cancel the job of a cell that is interrupted, and leave the executor usable", async () => {
    const id = await kernel.sendCell(
      "%%LocalhostExecutor --map [1, 2, 3, 4] --as n --into never\nawait new Promise((r) => setTimeout(r, 60_000))\nn",
    )
    const isRunning = ({ type, parent, content }: KernelMessage) =>
      parent === id && type === "update_display_data" && content.data["text/plain"].includes("2 running")
    await kernel.message(isRunning, 30_000)
    await kernel.send("interrupt_request", {}, { channel: "control" })
    const { reply } = await kernel.served(id)
    expect(reply.content.status).to.equal("error")
    const after = await run("const all = %jobs\nall.at(-1)?.cancelled")
    expect(textOf(after, "execute_result")).to.equal("4")
    const again = await run("%%LocalhostExecutor --map [1, 2] --as n\nn + 1")
    expect(textOf(again, "execute_result")).to.equal("[ 2, 3 ]")
  })

  it("complete with types and in code points", async () => {
    const code = "/* 😀 */ words\n%LocalhostExecutor --work"
    const offset = [...code].length
    const { reply } = await kernel.request("complete_request", { code, cursor_pos: offset })
    expect(reply.content).to.deep.include({
      status: "ok",
      matches: ["--workers"],
      cursor_start: offset - "--work".length,
      cursor_end: offset,
    })
    const [match] = reply.content.metadata._jupyter_types_experimental
    expect(match).to.include({ text: "--workers", type: "flag" })
    expect(match.signature).to.include("Workers")
  })

  it("are documented where the cursor stands", async () => {
    const code = "%%LocalhostExecutor --map words\nitem"
    const { reply } = await kernel.request("inspect_request", { code, cursor_pos: 5, detail_level: 0 })
    expect(reply.content.found).to.equal(true)
    for (const type of ["text/plain", "text/markdown"])
      expect(reply.content.data[type]).to.include("--map ITEMS").and.to.include("--workers N")
  })

  it("wait in a console for the rest of a cell", async () => {
    const status = async (code: string) =>
      (await kernel.request("is_complete_request", { code })).reply.content.status
    expect(await status("%jobs")).to.equal("complete")
    expect(await status("%%LocalhostExecutor --map words\nitem")).to.equal("incomplete")
    expect(await status("%%LocalhostExecutor --map words\nitem\n")).to.equal("complete")
  })
})
