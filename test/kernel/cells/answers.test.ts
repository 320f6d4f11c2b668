import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

/** Code and offset of the `|` in it. */
function at(marked: string): [code: string, offset: number] {
  const offset = marked.indexOf("|")
  return [marked.replace("|", ""), offset]
}

describe("what an editor asks about a cell", () => {
  let notebook: Notebook
  before(async function () {
    this.timeout(60_000)
    notebook = openNotebook()
    writeFileSync(join(notebook.folder, "neighbour.ts"), "export const near = 1")
    await notebook.text(`/** Adds two numbers.
 * @param a the first
 */
function add(a: number, b: number) { return a + b }
const thing = { alpha: 1, beta() { return 'b' } }`)
  })
  after(() => notebook.close())

  const complete = (marked: string) => notebook.interpreter.complete(...at(marked))
  const texts = (marked: string) => complete(marked).matches.map((match) => match.text)

  it("completes members with type and signature", () => {
    expect(complete("thing.|")).to.deep.equal({
      start: 6,
      end: 6,
      matches: [
        { text: "alpha", type: "property", signature: "(property) alpha: number" },
        { text: "beta", type: "method", signature: "(method) beta(): string" },
      ],
    })
    expect(complete("thing.al|")).to.deep.include({ start: 6, end: 8 })
  })

  it("completes names of other cells, of this one, and globals", () => {
    expect(texts("ad|")).to.deep.equal(["add"])
    expect(texts("const local = 1; loc|")).to.include("local")
    expect(texts("proc|")).to.include("process")
    expect(texts("")).to.include.members(["thing", "console"])
  })

  it("counts offsets in UTF-16 units", () => {
    expect(complete("const face = '😀'; thing.be|")).to.deep.include({ start: 25, end: 27 })
  })

  it("completes what is imported, and where from", () => {
    expect(texts("import { readFileS| } from 'fs'")).to.deep.equal(["readFileSync"])
    expect(texts("import x from 'node:child|'")).to.include("node:child_process")
    expect(texts("import { near } from './nei|'")).to.deep.equal(["neighbour"])
    expect(complete("import { near } from './nei|'")).to.deep.include({ start: 24, end: 27 })
  })

  it("completes literals of a type", () => {
    const code = "function pick(x: 'yes' | 'no') {}\npick('')"
    const { matches } = notebook.interpreter.complete(code, code.length - 2)
    expect(matches.map((match) => match.text)).to.deep.equal(["no", "yes"])
  })

  it("inspects signature, documentation and tags, plainly and in Markdown", () => {
    const { data } = notebook.interpreter.inspect(...at("add|"), 0) ?? { data: {} }
    expect(data["text/plain"]).to.equal(
      "function add(a: number, b: number): number\n\nAdds two numbers.\n\n@param a the first",
    )
    expect(data["text/markdown"]).to.contain("```typescript\nfunction add(a: number, b: number): number\n```")
    expect(data["text/markdown"]).to.contain("- *@param* a the first")
  })

  it("inspects the source at detail 1", () => {
    const { data } = notebook.interpreter.inspect(...at("add|"), 1) ?? { data: {} }
    expect(data["text/plain"]).to.contain("Source:\nfunction add(a: number, b: number) { return a + b }")
  })

  it("inspects the call whose arguments are being written", () => {
    for (const marked of ["add(|)", "add(1, |", "add(1, 2|)"])
      expect(notebook.interpreter.inspect(...at(marked), 0)?.data["text/plain"], marked).to.contain(
        "function add",
      )
  })

  it("tells of types by their name alone, and nothing of names that nobody declared", async () => {
    await notebook.text("interface Shape { side: number }\ntype Hue = 'red' | 'green'")
    expect(notebook.inspect("Shape|")).to.equal("interface Shape")
    expect(notebook.inspect("Hue|")).to.equal('type Hue = "red" | "green"')
    for (const code of ["nobody|", "nobody.at.all|", "if|"])
      expect(notebook.inspect(code), code).to.equal(undefined)
  })

  it("knows nothing of numbers and blank space", () => {
    expect(notebook.interpreter.inspect("1 + 2", 4, 0)).to.equal(undefined)
    expect(notebook.interpreter.inspect("", 0, 0)).to.equal(undefined)
  })

  it("tells complete from incomplete and invalid cells", () => {
    const status = (code: string) => notebook.interpreter.isComplete(code).status
    for (const code of [
      "1 + 1",
      "",
      "if (a) {\n  b()\n}",
      "const f = () => ({})",
      "`a $" + "{b} c`",
      "await x; for await (const y of z) {}",
    ])
      expect(status(code), code).to.equal("complete")
    for (const code of [
      "let x =",
      "foo(",
      "class A {\n  x = 1",
      "`abc",
      "`a $" + "{b",
      "/* c",
      "function f() {",
      "[1,\n2",
      "foo( // c",
      "x => ",
      "'a\\",
      "let a = 1, // and",
    ])
      expect(status(code), code).to.equal("incomplete")
    for (const code of ["let 1x", "a)", "'abc", "const = 4"]) expect(status(code), code).to.equal("invalid")
  })

  it("answers at once for a string full of backslashes that does not end", () => {
    expect(notebook.interpreter.isComplete(`f("${"\\\\".repeat(50)}`).status).to.equal("incomplete")
    expect(notebook.interpreter.isComplete(`f(\`${"\\\\".repeat(50)}`).status).to.equal("incomplete")
  })

  it("indents what follows by what is open", () => {
    const indent = (code: string) => {
      const answer = notebook.interpreter.isComplete(code)
      return answer.status === "incomplete" ? answer.indent : undefined
    }
    expect(indent("if (a) {")).to.equal("  ")
    expect(indent("if (a) {\n  b({")).to.equal("    ")
    expect(indent("if (a) {\n  b()")).to.equal("  ")
    expect(indent("const s = `text {")).to.equal("")
  })

  it("answers for any text, however broken", () => {
    const text = `class A<T> { #p = 1; @dec get q() { return \`\${this.#p}\` } }\nfor await (const [x, { y = 2 }] of z) label: try { import("a") } catch ({ message }) { <T,>(v: T) => v }\n"😀" /* c */ /re[/]/g`
    for (let end = 0; end <= text.length; end += 3) {
      const part = text.slice(Math.max(0, end - 60), end)
      expect(notebook.interpreter.complete(part, part.length).matches, part).to.be.an("array")
      expect(notebook.interpreter.inspect(part, part.length, 1)?.data ?? {}, part).to.be.an("object")
      expect(notebook.interpreter.isComplete(part).status, part).to.be.oneOf([
        "complete",
        "incomplete",
        "invalid",
      ])
    }
  })
})
