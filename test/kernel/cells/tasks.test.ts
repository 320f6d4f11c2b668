import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { setCellBindings } from "../../../kernel-ext/capture/capture.ts"
import * as cellfan from "../../../kernel-ext/index.ts"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("a cell's function sent to a worker", () => {
  let notebook: Notebook
  before(async function () {
    this.timeout(60_000)
    notebook = openNotebook({ modules: { cellfan } })
    setCellBindings(notebook.interpreter.bindings)
    await notebook.text(
      "import { LocalhostExecutor } from 'cellfan'\nconst fexec = new LocalhostExecutor({ workers: 1 })",
    )
  })
  after(async () => {
    await notebook.text("await fexec.close()")
    setCellBindings(undefined)
    await notebook.close()
  })

  it("takes variables along that are also names of globals", async () => {
    await notebook.text("const process = { scale: 3 }, URL = (x: number) => x + 1")
    expect(await notebook.text("await fexec.map((x: number) => URL(x) * process.scale, [1, 2])")).to.equal(
      "[ 6, 9 ]",
    )
  })

  it("imports what it imports in the cell, from the notebook's folder", async () => {
    writeFileSync(join(notebook.folder, "data.json"), '{ "n": 5 }')
    expect(
      await notebook.text(
        "await fexec.map(async (x: number) => x + (await import('./data.json')).default.n, [1])",
      ),
    ).to.equal("[ 6 ]")
    await notebook.text(
      "import path from 'node:path'; const { join } = require('node:path'); const os = await import('node:os')",
    )
    expect(
      await notebook.text(
        "await fexec.map(() => [path.sep, join('a', 'b'), os.EOL.length, typeof import.meta.url], [1])",
      ),
    ).to.equal("[ [ '/', 'a/b', 1, 'string' ] ]")
  })

  it("takes enums, classes and functions of cells along, and those they refer to", async () => {
    await notebook.text(`enum Colour { Red, Green }
class Point { constructor(readonly x: number) {} twice() { return this.x * 2 } }
function factorial(n: number): number { return n < 2 ? 1 : n * factorial(n - 1) }`)
    expect(
      await notebook.text(
        "await fexec.map((n: number) => [Colour.Green, new Point(n).twice(), factorial(n)], [4])",
      ),
    ).to.equal("[ [ 1, 8, 24 ] ]")
  })

  it("fails on the line of the cell as typed", async () => {
    const { name, traceback } = await notebook.failure(
      "interface Gone { a: 1 }\n\nawait fexec.map((x: number) => {\n  if (x === 2) throw new RangeError('two')\n  return x\n}, [1, 2, 3])",
    )
    expect(name).to.equal("JobError")
    expect(traceback)
      .to.match(/cell \d+:4:22/)
      .and.to.contain("> 4 |   if (x === 2) throw new RangeError('two')")
  })
})
