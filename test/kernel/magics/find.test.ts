import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { findCellMagic, findLineMagics } from "../../../kernel-ext/kernel/magics/find.ts"
import { notebookWith } from "./notebook.ts"

const notebook = notebookWith("a", "b", "x", "urls")

/** Each magic as typed. */
function magics(code: string): string[] {
  return findLineMagics(code, notebook).map(({ start, end }) => code.slice(start, end))
}

describe("A line magic", () => {
  it("begins a line, at the top or in a block", () => {
    expect(magics("%jobs")).to.deep.equal(["%jobs"])
    expect(magics("for (const x of y) {\n  %time f(x)\n}")).to.deep.equal(["%time f(x)"])
    expect(magics("switch (x) { case 1:\n%jobs\nbreak }")).to.deep.equal(["%jobs"])
    expect(magics("if (x)\n  %jobs\nelse\n  %executors")).to.deep.equal(["%jobs", "%executors"])
  })

  it("may follow a statement that has no semicolon", () => {
    for (const before of [
      "const urls = f()",
      "f(x)",
      "x",
      "x!",
      "x as any",
      "i++",
      "await f()",
      "const f = (n) => n",
      "a ? b : x",
      "const r = /%jobs/",
      "const t = `%jobs`",
      "type A = B",
      "let n: number",
      "import y from 'y'",
      "// it's a comment",
      "/* ` */",
    ])
      expect(magics(`${before}\n%LocalhostExecutor --workers 4\nf()`), before).to.deep.equal([
        "%LocalhostExecutor --workers 4",
      ])
  })

  it("may hold what would upset the lines after it", () => {
    expect(magics("%env A='it\n%cd \"x\n%time `\n%jobs /* \n%pwd")).to.deep.equal([
      "%env A='it",
      '%cd "x',
      "%time `",
      "%jobs /* ",
      "%pwd",
    ])
  })

  it("goes on over a line that ends in a backslash", () => {
    const [magic] = findLineMagics("%LocalhostExecutor \\\n  --workers 2\nf()", notebook)
    expect(magic?.args.trim().split(/\s+/)).to.deep.equal(["--workers", "2"])
    expect(magic?.end).to.equal(34)
  })

  it("may stand behind an equals sign", () => {
    const assigned = (code: string) =>
      findLineMagics(code, notebook).map((magic) => [magic.name, magic.assigned])
    expect(assigned("const all = %jobs")).to.deep.equal([["jobs", "all"]])
    expect(assigned("x = %jobs\nf()")).to.deep.equal([["jobs", "x"]])
    expect(assigned("x.y = %time f()")).to.deep.equal([["time", "x.y"]])
    expect(assigned("const [first]: any[] = %jobs;")).to.deep.equal([["jobs", "[first]"]])
  })

  it("tells where await can stand", () => {
    const nesting = (code: string) => findLineMagics(code, notebook).map((magic) => magic.nesting)
    expect(nesting("%jobs")).to.deep.equal(["top"])
    expect(nesting("const f = async () => {\n%jobs\n}")).to.deep.equal(["async"])
    expect(nesting("function f() {\n%jobs\n}")).to.deep.equal(["sync"])
    expect(nesting("const f = (n) => n\n%jobs")).to.deep.equal(["top"])
  })

  it("is found where its name is not known, if it cannot be TypeScript", () => {
    expect(magics("%nosuch")).to.deep.equal(["%nosuch"])
    expect(magics("f()\n%nosuch --flag x")).to.deep.equal(["%nosuch --flag x"])
  })
})

describe("A percent sign stays TypeScript", () => {
  for (const [where, code] of Object.entries({
    "in a template": "const t = `\n%jobs\n`",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the code under test has a hole.
    "in a template behind a hole": "const t = `${a\n%b}\n%jobs ${x}\n%time f()`",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the code under test has a hole.
    "in a hole of a template": "`${a\n%jobs}`",
    "in a comment": "/*\n%jobs\n%LocalhostExecutor --workers 2\n*/",
    "in a documentation comment": "/**\n%jobs\n*/\nfunction f() {}",
    "behind a line comment": "// x\n// %jobs",
    "in a string that goes on": "const s = 'a\\\n%jobs'",
    "in a regular expression": "const r = /%jobs/",
    "in a remainder over two lines": "const c = a\n%b",
    "in an indented remainder": "const c = a\n  % b\n  % 3",
    "in a remainder by a name of this cell": "const jobs = 3\nconst c = 7\n%jobs",
    "in a remainder by a function's parameter": "const f = (n, time) => n\n%time",
    "in brackets": "f(a\n%jobs)",
    "in a list": "[a\n%jobs]",
    "in an index": "x[a\n%jobs]",
    "in a condition": "if (a\n%jobs) f()",
    "in an object": "({ n: a\n%jobs })",
    "in a class": "class A { n = a\n%jobs\n}",
    "in a conditional over lines": "const c = a\n%b?\n1:2",
    "at the end of a line": "a %\njobs",
    "in an assignment": "x %= 3",
    "in JSX": "const e = <p>\n%jobs\n</p>",
  }))
    it(where, () => {
      expect(magics(code)).to.deep.equal([])
    })

  it("in every source file of this repository", function () {
    this.timeout(30_000)
    const root = join(import.meta.dirname, "../../../kernel-ext")
    const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    )
    expect(files.length).to.be.greaterThan(20)
    for (const file of files) {
      const code = readFileSync(join(root, file), "utf8")
      expect(magics(code), file).to.deep.equal([])
      expect(findCellMagic(code), file).to.equal(undefined)
    }
  })
})

describe("What IPython users type", () => {
  const found = (code: string) => findLineMagics(code, notebook).map(({ kind, name }) => `${kind} ${name}`)

  it("asks for help with a question mark before or behind", () => {
    expect(found("%jobs?")).to.deep.equal(["help jobs"])
    expect(found("f()\n%jobs??")).to.deep.equal(["help jobs"])
    expect(found("?%time")).to.deep.equal(["help time"])
    expect(found("x?")).to.deep.equal(["inspect x"])
    expect(found("x.y?\nf()")).to.deep.equal(["inspect x.y"])
    expect(found("?x")).to.deep.equal(["inspect x"])
    expect(found("x??")).to.deep.equal(["inspect x"])
  })

  it("leaves conditionals alone, however they are broken into lines", () => {
    for (const code of [
      "x?\n1:2",
      "x ?\n1\n:2",
      "a\n?b\n:x",
      "a\n  ? b\n  : x",
      "x??\nf()",
      "const y = x?\n1\n:2",
    ])
      expect(found(code), code).to.deep.equal([])
  })

  it("takes a shell's line for one, unless it is TypeScript", () => {
    expect(found("!ls -la")).to.deep.equal(["shell ls -la"])
    expect(found("!npm install lodash")).to.deep.equal(["shell npm install lodash"])
    expect(found("const files = !ls *.csv")).to.deep.equal(["shell ls *.csv"])
    for (const code of ["!x && f()", "!!x", "!(function () {})()", "const y = !x", "const ls = 1\n!ls"])
      expect(found(code), code).to.deep.equal([])
  })
})

describe("A cell magic", () => {
  it("stands on the cell's first line, but for blank lines and comments", () => {
    expect(findCellMagic("%%time\nf()")).to.include({ name: "time", start: 0, end: 6, bodyStart: 7 })
    expect(findCellMagic("\n// how long?\n  %%time\nf()")).to.include({ name: "time", start: 16 })
    expect(findCellMagic("f()\n%%time")).to.equal(undefined)
    expect(findCellMagic("`\n%%time`")).to.equal(undefined)
  })

  it("goes on over a line that ends in a backslash, also with Windows' line breaks", () => {
    const code = "%%LocalhostExecutor --map a \\\r\n  --as b\r\nb"
    const found = findCellMagic(code)
    expect(found?.args.trim().split(/\s+/)).to.deep.equal(["--map", "a", "--as", "b"])
    expect(code.slice(found?.bodyStart)).to.equal("b")
  })

  it("asks for help with a question mark", () => {
    expect(findCellMagic("%%time?")).to.include({ name: "time", help: true })
  })
})
