import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

/** Declarations of earlier cells stand on two pages; what a cell sees of them must not depend on which. */
describe("a notebook of many cells", function () {
  this.timeout(120_000)
  let notebook: Notebook
  before(() => {
    notebook = openNotebook()
  })
  after(() => notebook.close())

  const more = async (from: string) => {
    for (let i = 0; i < 45; i++) await notebook.text(`const ${from}${i} = ${i}`)
  }
  const message = async (code: string) => (await notebook.failure(code)).message

  it("knows types and values of its first cells, with their documentation", async () => {
    await notebook.text(
      `import { join as joined, type ParsedPath } from "node:path"
/** Of the beginning. */
function first(n: number): string { return String(n) }
class Early { a = 1 }
interface Shape { side: number }
namespace Space { export const z = 1 }
enum Colour { Red }
let loose = 1, { x: picked } = { x: "x" }
const config = { depth: 1 }
type Config = typeof config`,
    )
    await more("settling")
    expect(
      await notebook.text("[first(1) + picked, new Early().a, Space.z, Colour.Red, joined('a', 'b'), loose]"),
    ).to.equal("[ '1x', 1, 1, 0, 'a/b', 1 ]")
    expect(notebook.inspect("fir|st"))
      .to.include("first(n: number): string")
      .and.to.include("Of the beginning.")
    expect(notebook.complete("new Early().|")).to.deep.equal(["a"])
    expect(await message("const bad: ParsedPath = { side: 1 }; const s: Shape = { side: 'x' }")).to.include(
      "TS2",
    )
  })

  it("declares again what was declared long ago", async () => {
    expect(await notebook.text("let loose = 'text'\nloose.toUpperCase()")).to.equal("TEXT")
    expect(await notebook.text("loose.length")).to.equal("4")
    await notebook.text("class Early { b = 2 }")
    expect(notebook.complete("new Early().|")).to.deep.equal(["b"])
    await notebook.text("interface Shape { radius: number }")
    expect(await message("const s: Shape = { side: 1 }")).to.include("TS2353")
    expect(await notebook.text("const Shape = 5; const both: Shape = { radius: Shape }; both")).to.equal(
      "{ radius: 5 }",
    )
    await notebook.text("const config = { depth: 'deep' }")
    expect(await notebook.text("const c: Config = { depth: 'x' }; c.depth")).to.equal("x")
    await notebook.text("const first = 1")
    expect(await message("first(2)")).to.include("TS2349")
  })

  it("knows all of that later too", async () => {
    await more("later")
    expect(
      await notebook.text("[loose.length, new Early().b, Shape, first, picked, settling44, later44].join()"),
    ).to.equal("4,2,5,1,x,44,44")
    expect(await message("const s: Shape = { side: 1 }; const n: number = loose")).to.include("1 more")
  })

  it("forgets what a cell that failed did not come to", async () => {
    await notebook.failure("throw new Error('stop'); const unreached = 1")
    expect(await message("unreached")).to.include("TS2304")
  })
})
