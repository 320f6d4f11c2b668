import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
)

describe("a notebook written for tslab", () => {
  let notebook: Notebook
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook()
    writeFileSync(join(notebook.folder, "example.png"), png)
  })
  after(() => notebook.close())
  beforeEach(() => {
    notebook.displayed.length = 0
  })

  it("shows content by tslab's display API", async () => {
    await notebook.text(`import * as tslab from "tslab"
import { readFileSync } from "fs"
tslab.display.html("<h1>Hello</h1>")
tslab.display.markdown("*Markdown*")
tslab.display.latex("$e = mc^2$")
tslab.display.svg("<svg></svg>")
tslab.display.javascript("1 + 1")
tslab.display.text("plain")
tslab.display.png(readFileSync("${join(notebook.folder, "example.png")}"))
tslab.display.raw("application/json", "{}")`)
    expect(notebook.displayed.map(({ data }) => data)).to.deep.equal([
      { "text/html": "<h1>Hello</h1>" },
      { "text/markdown": "*Markdown*" },
      { "text/latex": "$e = mc^2$" },
      { "image/svg+xml": "<svg></svg>" },
      { "text/javascript": "1 + 1" },
      { "text/plain": "plain" },
      { "image/png": png.toString("base64") },
      { "application/json": "{}" },
    ])
  })

  it("replaces the content of a display of its own, from timers too", async () => {
    await notebook.text(`import { newDisplay } from "tslab"
const shown = newDisplay()
shown.text("0")
for (let i = 1; i < 3; i++) {
  await new Promise((resolve) => setTimeout(resolve, 1))
  shown.text(String(i))
}`)
    expect(notebook.displayed.map(({ data }) => data["text/plain"])).to.deep.equal(["0", "1", "2"])
    const ids = new Set(notebook.displayed.map(({ displayId }) => displayId))
    expect([...ids])
      .to.have.lengthOf(1)
      .and.not.to.include(undefined)
  })

  it("imports tslab by require, and its versions", async () => {
    expect(await notebook.text("require('tslab').versions.node === process.version")).to.equal("true")
    expect(
      await notebook.text("import { versions } from 'tslab'; versions.typescript.split('.')[0]"),
    ).to.equal("6")
  })

  it("defines modules in cells, and defines them anew", async () => {
    expect(
      await notebook.text("/** @module mylib */\nexport function twice(x: number) { return x * 2 }"),
    ).to.equal(undefined)
    expect(await notebook.text("import { twice } from './mylib'; twice(4)")).to.equal("8")
    await notebook.text(
      "/** @module mylib */\nexport function twice(x: number) { return String(x).repeat(2) }",
    )
    expect(await notebook.text("import { twice } from './mylib'; twice(4).length")).to.equal("2")
    const { message, traceback } = await notebook.failure("/** @module broken */\nexport const x: string = 5")
    expect(message).to.contain("TS2322")
    expect(traceback).to.match(/cell \d+:2:14/)
  })

  it("needs no strict types, loads packages by require and waits at its top", async () => {
    expect(
      await notebook.text("function loose(x) { return x }\nlet nothing: string = null\nloose(nothing)"),
    ).to.equal("null")
    expect(
      await notebook.text(
        "const os = require('os')\nlet sleep = (ms) => new Promise((r) => setTimeout(r, ms))\nawait sleep(1)\ntypeof os.cpus",
      ),
    ).to.equal("function")
    expect(await notebook.text("let {a, b: [c]} = {a: 1, b: [2]}\nlet x = 10, y = x + c\ny")).to.equal("12")
  })
})
