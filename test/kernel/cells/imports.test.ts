import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("imports of a cell", () => {
  let notebook: Notebook
  const own = { hello: () => "the kernel's own", default: "its default" }
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook({ modules: { cellfan: own } })
    write(
      "own.d.ts",
      "export declare function hello(): string; declare const text: string; export default text",
    )
  })
  after(() => notebook.close())

  function write(path: string, text: string): void {
    const file = join(notebook.folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }

  it("take default, named and all exports of node's modules, and types without values", async () => {
    const code = `import fs, { existsSync as exists, type Stats } from "node:fs"
import * as path from "path"
import type { ParsedPath } from "node:path"
let stats: Stats | ParsedPath | undefined
[typeof fs.readFileSync, typeof exists, path.join("a", "b")]`
    expect(await notebook.text(code.replace("\n[", "\n;["))).to.equal("[ 'function', 'function', 'a/b' ]")
    expect(await notebook.text("exists(import.meta.dirname) && fs.statSync('/').isDirectory()")).to.equal(
      "true",
    )
  })

  it("have no types but those of the notebook's packages and of Node, whatever the kernel was built with", async () => {
    for (const [name, code] of [
      ["mocha", 'import type { Suite } from "mocha"'],
      ["react", 'import * as react from "react"'],
    ]) {
      const { message } = await notebook.failure(`${code}`)
      expect(message).to.match(new RegExp(`TS2307: Cannot find module '${name}'`))
    }
    expect((await notebook.failure("describe")).message).to.match(/TS2593: Cannot find name 'describe'/)
    write("node_modules/@types/own-types/index.d.ts", "export interface Own { a: 1 }")
    expect(
      await notebook.text('import type { Own } from "own-types"\nconst own: Own = { a: 1 }; own.a'),
    ).to.equal("1")
    expect(
      await notebook.text("const platform: NodeJS.Platform = process.platform; typeof platform"),
    ).to.equal("string")
  })

  it("cannot be deferred, and say so where it was tried", async () => {
    const statement = await notebook.failure('import fs from "node:fs"\nimport defer * as os from "node:os"')
    expect(statement.message).to.match(
      /Node \S+ has no deferred imports\. Leave out 'defer'.*\(cell \d+:2:1\)/,
    )
    expect(statement.traceback).to.match(/\n> 2 \| import defer \* as os from "node:os"\n {4}\| \^+\n/)
    const call = await notebook.failure('async () => { await import.defer("node:os") }')
    expect(call.message).to.match(/no deferred imports.*:1:21\)/)
    expect(await notebook.text('import defer from "node:os"; typeof defer.cpus')).to.equal("function")
  })

  it("may be written as import x = require()", async () => {
    expect(
      await notebook.text("import assert = require('node:assert'); typeof assert.deepStrictEqual"),
    ).to.equal("function")
  })

  it("follow the types of a CommonJS package, compiled from an ES module or not", async () => {
    write("node_modules/plain/package.json", '{ "name": "plain", "version": "1.0.0", "types": "index.d.ts" }')
    write(
      "node_modules/plain/index.js",
      "const key = 'computed'; module.exports = function plain() { return 'called' }; module.exports[key] = 5",
    )
    write(
      "node_modules/plain/index.d.ts",
      "declare function plain(): string; declare namespace plain { const computed: number }\nexport = plain",
    )
    write(
      "node_modules/compiled/package.json",
      '{ "name": "compiled", "version": "1.0.0", "types": "index.d.ts" }',
    )
    write(
      "node_modules/compiled/index.js",
      "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'the default'; exports.named = 1",
    )
    write(
      "node_modules/compiled/index.d.ts",
      "declare const text: string; export default text; export declare const named: number",
    )
    expect(await notebook.text("import plain, { computed } from 'plain'; [plain(), computed]")).to.equal(
      "[ 'called', 5 ]",
    )
    expect(await notebook.text("import text, { named } from 'compiled'; [text, named]")).to.equal(
      "[ 'the default', 1 ]",
    )
    expect(await notebook.text("import * as all from 'compiled'; all.default")).to.equal("the default")
  })

  it("load ES modules that wait at their top, and types by an exports map", async () => {
    write(
      "node_modules/modern/package.json",
      '{ "name": "modern", "version": "1.0.0", "type": "module", "exports": { "./part": { "types": "./types/part.d.ts", "import": "./part.js" } } }',
    )
    write("node_modules/modern/part.js", "export const value = await Promise.resolve('from ESM')")
    write("node_modules/modern/types/part.d.ts", "export declare const value: string")
    expect(await notebook.text("import { value } from 'modern/part'; value.toUpperCase()")).to.equal(
      "FROM ESM",
    )
    expect((await notebook.failure("import { value } from 'modern/part'; value.nope")).message).to.contain(
      "TS2339",
    )
    expect(await notebook.text("(await import('modern/part')).value")).to.equal("from ESM")
  })

  it("find a package installed while the notebook runs", async () => {
    const missing = await notebook.failure("import late from 'late'")
    expect(missing.message).to.contain("Cannot find module 'late'")
    expect(missing.traceback).to.contain("To have it: npm install late, in the notebook's folder.")
    expect((await notebook.failure("import { one } from '@some/package/deep'")).traceback).to.contain(
      "npm install @some/package,",
    )
    for (const own of ["./nowhere.ts", "#nowhere", "node:nowhere"])
      expect((await notebook.failure(`import '${own}'; import x from '${own}'`)).traceback).to.not.contain(
        "npm",
      )
    write(
      "node_modules/late/package.json",
      '{ "name": "late", "version": "1.0.0", "type": "module", "exports": "./index.js" }',
    )
    write("node_modules/late/index.js", "export default 'here now'")
    write("node_modules/late/index.d.ts", "declare const text: string; export default text")
    expect(await notebook.text("import late from 'late'; late")).to.equal("here now")
  })

  it("read JSON, with an attribute and without, as it is now", async () => {
    write("data.json", '{ "n": 5 }')
    expect(await notebook.text("import data from './data.json' with { type: 'json' }; data.n")).to.equal("5")
    write("data.json", '{ "n": 66, "more": true }')
    expect(await notebook.text("import data from './data.json'; data.n")).to.equal("66")
  })

  it("run TypeScript beside the notebook, and the new text after it changed", async () => {
    write("lib/deep.ts", "export let calls = 0\nexport function call(): number { return ++calls }")
    write(
      "helper.ts",
      "import { call } from './lib/deep'\nexport { calls } from './lib/deep.ts'\nexport const v: number = await Promise.resolve(1)\nexport const twice = () => call() + call()\nexport default import.meta.filename",
    )
    expect(
      await notebook.text(
        "import file, { v, twice } from './helper'; [v, twice(), file.endsWith('helper.ts')]",
      ),
    ).to.equal("[ 1, 3, true ]")
    expect(await notebook.text("import { calls } from './helper.ts'; calls")).to.equal("2")
    write(
      "lib/deep.ts",
      "export let calls = 0\nexport function call(): number { calls += 100; return calls }",
    )
    expect(await notebook.text("import { twice } from './helper'; twice()")).to.equal("300")
    write("helper.ts", "export const v: string = 'changed'")
    expect(await notebook.text("import { v } from './helper'; v.toUpperCase()")).to.equal("CHANGED")
    expect(await notebook.text("(await import('./helper.ts')).v")).to.equal("changed")
  })

  it("find a module written after a cell missed it", async () => {
    expect((await notebook.failure("import { soon } from './soon'")).message).to.contain("./soon")
    write("soon.ts", "export const soon = 'there'")
    expect(await notebook.text("import { soon } from './soon'; soon")).to.equal("there")
  })

  it("check types in modules beside the notebook", async () => {
    write("wrong.ts", "export const wrong: number = 'text'")
    const { message, traceback } = await notebook.failure("import { wrong } from './wrong'")
    expect(message).to.contain("TS2322")
    expect(traceback).to.contain("wrong.ts:1:14").and.to.contain("export const wrong")
  })

  it("run JavaScript beside the notebook, of both kinds, and the new text after it changed", async () => {
    write("package.json", "{}")
    write("esm.js", "export const kind = 'ESM'")
    write("common.js", "module.exports = { kind: 'CommonJS' }")
    expect(await notebook.text("import { kind } from './esm.js'; kind")).to.equal("ESM")
    expect(await notebook.text("import common from './common.js'; common.kind")).to.equal("CommonJS")
    write("common.js", "module.exports = { kind: 'CommonJS, changed' }")
    expect(await notebook.text("import common from './common.js'; common.kind")).to.equal("CommonJS, changed")
  })

  it("may leave the notebook's folder", async () => {
    const inner = openNotebook({ folder: join(notebook.folder, "lib") })
    write("above.ts", "export const above = 'up here'")
    expect(await inner.text("import { above } from '../above'; above")).to.equal("up here")
    await inner.close()
  })

  it("get the kernel's own cellfan, however it is imported", async () => {
    const checked = openNotebook({
      folder: notebook.folder,
      modules: { cellfan: own },
      declarations: { cellfan: join(notebook.folder, "own.d.ts") },
    })
    expect(await checked.text("import text, { hello } from 'cellfan'; [hello(), text]")).to.equal(
      `[ "the kernel's own", 'its default' ]`,
    )
    expect(await checked.text("require('cellfan').hello()")).to.equal("the kernel's own")
    expect(await checked.text("(await import('cellfan')).hello()")).to.equal("the kernel's own")
    write("uses.ts", "import { hello } from 'cellfan'\nexport const greeting = hello()")
    expect(await checked.text("import { greeting } from './uses'; greeting")).to.equal("the kernel's own")
    expect((await checked.failure("import { goodbye } from 'cellfan'")).message).to.contain(
      "no exported member 'goodbye'",
    )
    await checked.close()
  })

  it("say what an untyped module does not export", async () => {
    write(
      "node_modules/untyped/package.json",
      '{ "name": "untyped", "version": "1.0.0", "type": "module", "exports": "./index.js" }',
    )
    write("node_modules/untyped/index.js", "export const here = 1")
    const { name, message } = await notebook.failure(
      "// @ts-nocheck\nimport { missing } from 'untyped'; missing",
    )
    expect(`${name}: ${message}`).to.equal('SyntaxError: The module "untyped" has no export named "missing"')
  })

  it("know Node's globals, whichever file of its types declares them", async () => {
    const globals =
      "Math, Map, AbortController, DOMException, EventTarget, Headers, fetch, ReadableStream, Blob, URL"
    expect(await notebook.text(`[${globals}].every(Boolean)`)).to.equal("true")
  })

  it("know types of Node in a folder where nothing is installed", async () => {
    const empty = openNotebook()
    expect(
      await empty.text(
        "const where: string = process.cwd(); typeof where + typeof console.log + typeof Buffer.from",
      ),
    ).to.equal("stringfunctionfunction")
    await empty.close()
  })

  it("take paths and JSX from the folder's tsconfig.json", async () => {
    const configured = openNotebook()
    const put = (path: string, text: string) => writeFileSync(join(configured.folder, path), text)
    put(
      "tsconfig.json",
      '{ "compilerOptions": { "strict": true, "jsx": "react", "jsxFactory": "h", "paths": { "#tools": ["./tools.ts"] } } }',
    )
    put("tools.ts", "export const tool = 'hammer'")
    expect(await configured.text("import { tool } from '#tools'; tool")).to.equal("hammer")
    await configured.text(
      "const h = (tag: string, props: unknown, ...children: unknown[]) => [tag, props, children]\ndeclare global { namespace JSX { interface IntrinsicElements { b: {} } } }",
    )
    expect(configured.interpreter.isComplete("<b>").status).to.equal("incomplete")
    expect(await configured.text("<b>bold</b>")).to.equal("[ 'b', null, [ 'bold' ] ]")
    expect((await configured.failure("function implicit(x) { return x }")).message).to.contain("TS7006")
    await configured.close()
  })

  describe("where the compiler imports what JSX becomes", () => {
    const configured = openNotebook()
    const put = (path: string, text: string) => {
      mkdirSync(dirname(join(configured.folder, path)), { recursive: true })
      writeFileSync(join(configured.folder, path), text)
    }
    before(() => {
      put("tsconfig.json", '{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "h" } }')
      put("node_modules/h/package.json", '{ "name": "h", "exports": { "./jsx-runtime": "./runtime.js" } }')
      put(
        "node_modules/h/runtime.js",
        "exports.jsx = exports.jsxs = (tag, { children }) => typeof tag === 'function' ? tag({ children }) : '<' + tag + '>' + children; exports.Fragment = 'all'",
      )
      put(
        "view.tsx",
        "interface Named { name: string }\nexport const View = ({ name }: Named) => <i>{name}</i>\nexport const fail = () => <i>{(() => { throw new Error('in JSX') })()}</i>",
      )
    })
    after(() => configured.close())

    it("have it in cells, in functions of earlier ones and in modules beside the notebook", async () => {
      expect(await configured.text("const bold = (text: string) => <b>{text}</b>\nbold('x')")).to.equal(
        "<b>x",
      )
      expect(await configured.text("<>{bold('y')}{1}</>")).to.equal("<all><b>y,1")
      expect(await configured.text("import { View } from './view'\nView({ name: 'n' })")).to.equal("<i>n")
    })

    it("tell the lines of such modules", async () => {
      const { traceback } = await configured.failure("import { fail } from './view'\nfail()")
      expect(traceback).to.match(/at .*view\.tsx:3:4\d\)?\n/)
      expect(traceback).to.contain("> 3 | export const fail")
    })

    it("are said to be missing where nothing says what JSX becomes", async () => {
      const plain = openNotebook()
      expect((await plain.failure("const one = <b>text</b>")).traceback).to.contain("This looks like JSX")
      expect((await plain.failure("const two = <b/>")).traceback).to.contain('"jsx": "react-jsx"')
      expect((await plain.failure("const three = (1 < 2")).traceback).not.to.contain("JSX")
      await plain.close()
    })
  })

  it("resolve by import.meta as import does, files that are not there too", async () => {
    const own = openNotebook()
    const put = (path: string, text: string) => {
      mkdirSync(dirname(join(own.folder, path)), { recursive: true })
      writeFileSync(join(own.folder, path), text)
    }
    const exports = '{ "import": "./i.mjs", "require": "./i.cjs" }'
    put("node_modules/both/package.json", `{ "name": "both", "exports": ${exports} }`)
    put("node_modules/both/i.mjs", "export const a = 1")
    put("node_modules/both/i.cjs", "exports.a = 1")
    put("side.ts", "export const at = import.meta.resolve('both')")
    const folder = pathToFileURL(own.folder).href
    expect(await own.text("import.meta.resolve('both')")).to.equal(`${folder}/node_modules/both/i.mjs`)
    expect(await own.text("import { at } from './side'\nat")).to.equal(`${folder}/node_modules/both/i.mjs`)
    expect(await own.text("import.meta.resolve('fs') + import.meta.resolve('node:os')")).to.equal(
      "node:fsnode:os",
    )
    expect(await own.text("import.meta.resolve('./not/there.ts')")).to.equal(`${folder}/not/there.ts`)
    expect(await own.text("import.meta.resolve('https://a.b/c')")).to.equal("https://a.b/c")
    expect((await own.failure("import.meta.resolve('nowhere')")).message).to.contain("package 'nowhere'")
    await own.close()
  })

  it("name the file that is not JSON, and read a package's JSON", async () => {
    const own = openNotebook()
    writeFileSync(join(own.folder, "wrong.json"), '{ "a": 1, }')
    const { name, message } = await own.failure("import wrong from './wrong.json'")
    expect(name).to.equal("SyntaxError")
    expect(message).to.contain(join(own.folder, "wrong.json")).and.contain("is not JSON")
    mkdirSync(join(own.folder, "node_modules/p"), { recursive: true })
    writeFileSync(join(own.folder, "node_modules/p/package.json"), '{ "name": "p", "version": "1.2.3" }')
    expect(await own.text("import { version } from 'p/package.json'\nversion")).to.equal("1.2.3")
    await own.close()
  })
})
