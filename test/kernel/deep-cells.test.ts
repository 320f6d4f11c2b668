import { expect } from "chai"
import type { KernelClient } from "../support/kernel-client.ts"
import { installedKernel } from "./installed-kernel.ts"

/** Code that is nested more deeply than the stack holds, with the kernel as it is installed. */

const nested: Readonly<Record<string, (levels: number) => string>> = {
  parentheses: (levels) => `${"(".repeat(levels)}1${")".repeat(levels)}`,
  blocks: (levels) => "{".repeat(levels) + "}".repeat(levels),
  functions: (levels) => `${"x => ".repeat(levels)}1`,
  "chained calls": (levels) => `"a"${".trim()".repeat(levels)}`,
  "an else after each if": (levels) => `${"if (0) {} else ".repeat(levels)}{}`,
  types: (levels) => `type Deep = ${"Array<".repeat(levels)}1${">".repeat(levels)}`,
  "negations behind a magic": (levels) => `%time\n${"!".repeat(levels)}1`,
}

describe("Code that is nested too deeply", function () {
  this.timeout(60_000)
  let kernel: KernelClient
  installedKernel("let kept = 41", (installed) => {
    kernel = installed.kernel
  })

  const completeness = async (code: string) =>
    (await kernel.request("is_complete_request", { code })).reply.content

  for (const [name, nest] of Object.entries(nested)) {
    it(`is refused as a cell, be it by ${name}, and the kernel goes on`, async () => {
      const { reply } = await kernel.execute(nest(20_000))
      expect(reply.content).to.include({ status: "error", ename: "SyntaxError" })
      expect(reply.content.evalue).to.match(/^This cell cannot be compiled: .* too deep within one another/)
      expect(reply.content.traceback.join("\n")).to.not.match(/\n +at |node_modules/)
      const { iopub } = await kernel.execute("kept + 1")
      expect(iopub.find(({ type }) => type === "execute_result")?.content.data["text/plain"]).to.equal("42")
    })
  }

  it("is refused with its line where it can be read, such as a sum of 100 000 terms, within a moment", async () => {
    const before = performance.now()
    const { reply } = await kernel.execute(`let a = 0\na = ${Array(100_000).fill("1").join("+")}`)
    expect(performance.now() - before).to.be.below(3000)
    expect(reply.content.evalue).to.match(
      /in line 2, by more than 5000 levels\. Build such a value in a loop/,
    )
  })

  it("is neither complete nor incomplete nor invalid for is_complete: that is unknown", async () => {
    expect(await completeness("(".repeat(20_000))).to.deep.equal({ status: "unknown" })
    expect(await completeness(`%time\n${"[".repeat(20_000)}`)).to.deep.equal({ status: "unknown" })
    expect(await completeness("(".repeat(200))).to.include({ status: "incomplete" })
  })

  it("has no completions and no documentation", async () => {
    const code = `${"(".repeat(20_000)}kept`
    const position = { code, cursor_pos: code.length }
    const complete = await kernel.request("complete_request", position)
    expect(complete.reply.content).to.deep.include({ status: "ok", matches: [], cursor_end: code.length })
    const inspect = await kernel.request("inspect_request", position)
    expect(inspect.reply.content).to.include({ status: "ok", found: false })
  })
})
