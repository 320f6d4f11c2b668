import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("names of a notebook", () => {
  let notebook: Notebook
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook()
  })
  after(() => notebook.close())

  it("have one value in all cells and closures", async () => {
    await notebook.text("let n = 0; const inc = () => ++n")
    expect(await notebook.text("n = 10; inc()")).to.equal("11")
    expect(await notebook.text("n")).to.equal("11")
  })

  it("keep their value in closures that refer to a later declaration of the same name", async () => {
    await notebook.text("let seen = 'first'; const look = () => seen")
    await notebook.text("let seen = 'second'")
    expect(await notebook.text("look()")).to.equal("second")
  })

  it("can be declared again, as anything and with another type", async () => {
    await notebook.text("let thing = 1")
    expect(await notebook.text("const thing = 'text'\nthing.length")).to.equal("4")
    expect(await notebook.text("function thing() { return true }\nthing()")).to.equal("true")
    expect(await notebook.text("class thing { x = 5 }\nnew thing().x")).to.equal("5")
    expect(await notebook.text("enum thing { A, B }\nthing.B")).to.equal("1")
    expect(await notebook.text("var thing = [1, 2]\nthing.length")).to.equal("2")
  })

  it("of enums and namespaces begin anew when declared again", async () => {
    await notebook.text("enum Colour { Red, Green }\nnamespace Shape { export const sides = 3 }")
    expect(await notebook.text("Colour.Green + Shape.sides")).to.equal("4")
    await notebook.text("enum Colour { Blue = 7 }\nnamespace Shape { export const corners = 4 }")
    expect(await notebook.text("Object.keys(Colour).join()")).to.equal("7,Blue")
    expect(await notebook.text("Object.keys(Shape).join()")).to.equal("corners")
  })

  it("of types and interfaces can be declared again and are known many cells later", async () => {
    await notebook.text(
      "type Size = { a: number }; interface Named { name: string }\nnamespace Deep { export const at = 1 }",
    )
    await notebook.text("const sized: Size & Named = { a: 1, name: 'x' }")
    await notebook.text("type Size = string; const word: Size = 'ok'")
    await notebook.text("const between = 1")
    expect(await notebook.text("const named: Named = { name: word }; named.name + Deep.at")).to.equal("ok1")
  })

  it("may begin with underscores, and stand alone in an object", async () => {
    expect(await notebook.text("const __x = 3, __y = { __x }; __y")).to.equal("{ __x: 3 }")
    expect(await notebook.text("const both = { __x, word }; both.word")).to.equal("ok")
  })

  it("bound by patterns, with defaults and rests, are ordinary names", async () => {
    await notebook.text(
      "var { a: [b1 = 5], ...rest } = { a: [] as number[], z: 1, y: 2 }; let [h, ...t] = [1, 2, 3]",
    )
    expect(await notebook.text("[b1, rest, h, t]")).to.equal("[ 5, { z: 1, y: 2 }, 1, [ 2, 3 ] ]")
  })

  it("declared by var within a block or loop belong to the notebook", async () => {
    await notebook.text(
      "if (true) { var inBlock = 3 }\nfor (var index = 0; index < 4; index++) {}\nfor (var [key] of [['k']]) {}",
    )
    expect(await notebook.text("[inBlock, index, key]")).to.equal("[ 3, 4, 'k' ]")
  })

  it("of functions can be used before their declaration, and within themselves mean the notebook's", async () => {
    expect(await notebook.text("early()\nfunction early() { return 'hoisted' }\nearly()")).to.equal("hoisted")
    await notebook.text(
      "function down(n: number): string { return n === 0 ? 'old' : down(n - 1) }\nconst former = down",
    )
    await notebook.text("function down(n: number): string { return 'new' }")
    expect(await notebook.text("former(1)")).to.equal("new")
  })

  it("that are also names of globals do not take them from the process", async () => {
    await notebook.text(
      "const process = { mine: true }; const URL = 'x', document = 5\nfunction fetch() { return process }",
    )
    expect(await notebook.text("[process.mine, URL, document, fetch().mine, { URL }]")).to.equal(
      "[ true, 'x', 5, true, { URL: 'x' } ]",
    )
    expect(await notebook.text("typeof globalThis.process.pid + typeof globalThis.URL")).to.equal(
      "numberfunction",
    )
    expect(new URL("http://localhost/").hostname).to.equal("localhost")
    expect(process.pid).to.be.a("number")
  })

  it("that are also names of globals are still those of the functions they hold", async () => {
    await notebook.text("const setTimeout = () => 1, Map = class {}; function alert() { return 2 }")
    expect(await notebook.text("[setTimeout.name, Map.name, alert.name, setTimeout() + alert()]")).to.equal(
      "[ 'setTimeout', 'Map', 'alert', 3 ]",
    )
  })

  it("shadowed in inner scopes stay inner", async () => {
    await notebook.text(
      "let outer = 1; { let outer = 2; outer++ } ((outer: number) => { outer = 9 })(3); for (const outer of [7]) {}",
    )
    expect(await notebook.text("outer")).to.equal("1")
  })

  it("keep what a failing cell had assigned, and those it did not come to are not there", async () => {
    await notebook.failure("const reached = 1; if (reached) throw new Error('stop'); const unreached = 2")
    expect(await notebook.text("reached")).to.equal("1")
    expect((await notebook.failure("unreached")).message).to.contain("Cannot find name 'unreached'")
  })

  it("are those of classes with private members, accessors and decorators too", async () => {
    const code = `@tag class Tagged { #secret = 1; @field accessor count = 2; static make() { return new Tagged() } peek() { return this.#secret } }
function tag(target: any, context: ClassDecoratorContext) { target.kind = context.kind }
function field(value: any, context: ClassAccessorDecoratorContext) {}
const made = Tagged.make(); [made.peek(), made.count, (Tagged as any).kind]`
    expect(await notebook.text(code)).to.equal("[ 1, 2, 'class' ]")
    expect(await notebook.text("new Tagged().count")).to.equal("2")
  })

  it("may be exported, which changes nothing", async () => {
    await notebook.text(
      "export const shared = 1; export function give() { return shared }\nexport { shared as other }",
    )
    expect(await notebook.text("give()")).to.equal("1")
    expect(await notebook.text("export default shared + 1")).to.equal("2")
  })

  it("of global types are declared once for all cells", async () => {
    await notebook.text("declare global { interface Everywhere { x: 1 } }")
    expect(await notebook.text("const somewhere: Everywhere = { x: 1 }; somewhere.x")).to.equal("1")
  })

  it("of modules that are not there may be declared in quotes, and what they hold is checked", async () => {
    await notebook.text(`type Point = { x: number }
declare module "untyped" { export function f(name: string, at: Point): number }
declare module "*.svg" { const url: string; export default url }`)
    const use = (code: string) => `import type { f } from "untyped"\nimport type url from "./a.svg"\n${code}`
    expect(await notebook.text(use("const call: Parameters<typeof f> = ['a', { x: 1 }]\ncall"))).to.equal(
      "[ 'a', { x: 1 } ]",
    )
    expect((await notebook.failure(use("const text: ReturnType<typeof f> = 'a'"))).message).to.match(
      /TS2322.*:3:7/,
    )
    expect((await notebook.failure(use("const n: typeof url = 1"))).message).to.match(/TS2322.*:3:7/)
    await notebook.text('declare module "untyped" { export function f(): boolean }')
    expect(await notebook.text(use("const told: ReturnType<typeof f> = true\ntold"))).to.equal("true")
  })

  it("of modules that cannot be declared so are told of where they stand, and change nothing", async () => {
    const failed = 'const before = 1\ndeclare module "untyped" { export const n: Missing }'
    expect((await notebook.failure(failed)).message).to.match(/TS2304: Cannot find name 'Missing'.*:2:44/)
    expect((await notebook.failure('declare module "broken" { const a: = }')).message).to.match(
      /TS1110.*:1:36/,
    )
    const before = "import type { f } from 'untyped'\nconst still: ReturnType<typeof f> = false\nstill"
    expect(await notebook.text(before)).to.equal("false")
  })

  it("of modules that are there may be added to in quotes", async () => {
    await notebook.text('declare module "node:fs" { interface Stats { label?: string } }')
    const code =
      "import { statSync } from 'node:fs'\nconst labelled = statSync('/')\nlabelled.label = 'root'; labelled.label"
    expect(await notebook.text(code)).to.equal("root")
  })
})
