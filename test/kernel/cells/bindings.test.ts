import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("bindings of a notebook", () => {
  let notebook: Notebook
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook()
  })
  after(() => notebook.close())

  const lookup = (name: string) => notebook.interpreter.bindings.lookup(name)

  it("give the live value of a name", async () => {
    await notebook.text("let live = 1")
    expect(lookup("live")).to.deep.equal({ kind: "value", value: 1 })
    await notebook.text("live = 2")
    expect(lookup("live")).to.deep.equal({ kind: "value", value: 2 })
    expect(lookup("nobody")).to.equal(undefined)
  })

  it("give names by which functions refer to those that are also globals", async () => {
    await notebook.text("const performance = { own: 1 }\nconst user = () => performance.own")
    const used = /\w*performance\w*/.exec(String((lookup("user") as { value: unknown }).value))?.[0] ?? ""
    expect(lookup("performance")).to.deep.equal({ kind: "value", value: { own: 1 } })
    expect(lookup(used)).to.deep.equal({ kind: "value", value: { own: 1 } })
  })

  it("tell imports from values", async () => {
    await notebook.text("import fs, { join as j } from 'node:path'; import * as all from 'node:os'")
    expect(lookup("fs")).to.deep.include({ kind: "import", specifier: "node:path", name: "default" })
    expect(lookup("j")).to.deep.include({ kind: "import", specifier: "node:path", name: "join" })
    expect(lookup("all")).to.deep.include({ kind: "import", specifier: "node:os", name: "*" })
    await notebook.text("const j = 5")
    expect(lookup("j")).to.deep.equal({ kind: "value", value: 5 })
  })

  it("take what require and await import gave for an import", async () => {
    await notebook.text(
      "const util = require('node:util'); const { inspect, format: f } = require('node:util'); const os = await import('node:os')",
    )
    expect(lookup("util")).to.deep.include({ kind: "import", specifier: "node:util", name: "default" })
    expect(lookup("inspect")).to.deep.include({ kind: "import", specifier: "node:util", name: "inspect" })
    expect(lookup("f")).to.deep.include({ kind: "import", specifier: "node:util", name: "format" })
    expect(lookup("os")).to.deep.include({ kind: "import", specifier: "node:os", name: "*" })
  })

  it("tell that a declaration was not reached", async () => {
    const running = notebook.text("await new Promise((resolve) => setTimeout(resolve, 30)); const late = 1")
    await new Promise((resolve) => setTimeout(resolve, 5))
    while (lookup("late") === undefined) await new Promise((resolve) => setImmediate(resolve))
    expect(lookup("late")).to.deep.equal({ kind: "uninitialized" })
    await running
    expect(lookup("late")).to.deep.equal({ kind: "value", value: 1 })
  })

  it("map positions in the code that ran to the cell as typed", async () => {
    await notebook.text(
      "interface Gone { a: 1 }\n\nconst marked = (x: number): number => {\n  return x * 12345\n}",
    )
    const script = notebook.interpreter.bindings.scripts().at(-1)
    const lines = script?.code.split("\n") ?? []
    const line = lines.findIndex((text) => text.includes("12345"))
    const position = script?.original(line + 1, lines[line]?.indexOf("x * 12345") ?? 0)
    expect(position).to.deep.include({ line: 4, column: 9 })
    expect(position?.label).to.match(/^cell \d+$/)
  })

  it("hold what the kernel defines, with its type", async () => {
    notebook.interpreter.define("fexec", { workers: 3 }, "{ readonly workers: number }")
    expect(await notebook.text("fexec.workers + 1")).to.equal("4")
    expect((await notebook.failure("fexec.wokers")).message).to.contain("TS2551")
    expect(lookup("fexec")).to.deep.equal({ kind: "value", value: { workers: 3 } })
    notebook.interpreter.define("fexec", "another", "string")
    expect(await notebook.text("fexec.toUpperCase()")).to.equal("ANOTHER")
    notebook.interpreter.define("odd", 1, "NoSuchType<")
    expect(await notebook.text("odd")).to.equal("1")
  })

  it("hold what the kernel defines while the cell that asked for it runs", async () => {
    Object.assign(globalThis, { defineNow: () => notebook.interpreter.define("during", 5, "number") })
    await notebook.text(";(globalThis as any).defineNow(); const beside = 1")
    expect(await notebook.text("during + beside")).to.equal("6")
  })
})
