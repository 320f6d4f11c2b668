import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

const standard = `
function plusOne(method: () => number, context: ClassMethodDecoratorContext) {
  return function (this: unknown) { return method.call(this) + 1 }
}
class Standard { @plusOne m() { return 1 } }
new Standard().m()`

const legacy = `
const seen: string[] = []
function method(target: object, key: string, descriptor: PropertyDescriptor) { seen.push(key) }
class Legacy { @method m() {} }
seen`

const ofParameter = `
const places: number[] = []
function inject(target: object, key: string, index: number) { places.push(index) }
class Service { m(first: number, @inject second: number) {} }
places`

describe("decorators", function () {
  this.timeout(60_000)
  let folder: string
  let notebook: Notebook
  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "cellfan-decorators-")))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(() => notebook.close())

  it("are the standard ones, and errors at older ones say how to have those", async () => {
    notebook = openNotebook({ folder })
    expect(await notebook.text(standard)).to.equal("2")
    const called = await notebook.failure(legacy)
    expect(called.traceback)
      .to.include("TS1241")
      .and.to.include("looks like one of the older, experimental kind")
    expect(called.traceback).to.include('{ "compilerOptions": { "experimentalDecorators": true } }')
    expect((await notebook.failure(ofParameter)).traceback).to.include("Only decorators of the older")
    expect((await notebook.failure("const five: string = 5")).traceback).not.to.include("ecorator")
  })

  it("are the older ones where a tsconfig.json beside the notebook says so", async () => {
    writeFileSync(join(folder, "tsconfig.json"), '{ "compilerOptions": { "experimentalDecorators": true } }')
    notebook = openNotebook({ folder })
    expect(await notebook.text(legacy)).to.equal("[ 'm' ]")
    expect(await notebook.text(ofParameter)).to.equal("[ 1 ]")
    expect((await notebook.failure(standard)).traceback).not.to.include("restart the kernel")
  })
})
