import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("what a cell may say", () => {
  let notebook: Notebook
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook()
  })
  after(() => notebook.close())

  it("waits at its top, in initialisers, arguments and loops", async () => {
    expect(await notebook.text("const p = await (async () => 4)()\np")).to.equal("4")
    expect(await notebook.text("[await p, Math.max(await Promise.resolve(7), 1)]")).to.equal("[ 4, 7 ]")
    expect(
      await notebook.text(
        "let all = ''; for await (const part of [Promise.resolve('a'), 'b']) all += part\nall",
      ),
    ).to.equal("ab")
    expect(await notebook.text("for (const one of [1, 2]) { all += await one }\nall")).to.equal("ab12")
    expect(await notebook.text("const { length } = await Promise.resolve('abc'); length")).to.equal("3")
  })

  it("disposes of what it uses at its end, the last first, waiting where that is asked for", async () => {
    const code = `const log: string[] = []
await using slow = { async [Symbol.asyncDispose]() { await null; log.push('slow') } }
using quick = { [Symbol.dispose]() { log.push('quick') } }
log.length`
    expect(await notebook.text(code)).to.equal("0")
    expect(await notebook.text("log")).to.equal("[ 'quick', 'slow' ]")
  })

  it("has the value of its last expression, semicolon or not", async () => {
    expect(await notebook.text("1 + 1;")).to.equal("2")
    expect(await notebook.text("({ a: 1 })")).to.equal("{ a: 1 }")
    expect(await notebook.text("(1, 2) // a comment")).to.equal("2")
    expect(await notebook.text("'use strict'")).to.equal("use strict")
    expect(await notebook.text("null")).to.equal("null")
    expect(await notebook.text("5; interface After {}")).to.equal("5")
  })

  it("has no value where it ends in anything else, or in undefined", async () => {
    expect(await notebook.text("const x = 5")).to.equal(undefined)
    expect(await notebook.text("5; const y = 1")).to.equal(undefined)
    expect(await notebook.text("enum NoValue { A }")).to.equal(undefined)
    expect(await notebook.text("undefined")).to.equal(undefined)
    expect(await notebook.text("")).to.equal(undefined)
    expect(await notebook.text("// only a comment")).to.equal(undefined)
  })

  it("may use import.meta", async () => {
    expect(await notebook.text("import.meta.dirname")).to.equal(notebook.folder)
    expect(await notebook.text("import.meta.url.startsWith('file://')")).to.equal("true")
  })

  it("may begin with a long line of slashes", async () => {
    expect(await notebook.text(`${"/".repeat(100)}\n// ${"// ".repeat(100)}\n1 + 1`)).to.equal("2")
  })

  it("may have regular expressions with sets", async () => {
    expect(await notebook.text("/[\\p{L}--[a-z]]/v.test('a')")).to.equal("false")
  })

  it("may jump out of nested loops by labels", async () => {
    const code = `let steps = 0
outer: for (let i = 0; i < 5; i++) { for (let j = 0; j < 5; j++) { steps++; if (j === 1) continue outer; if (i === 3) break outer } }
steps`
    expect(await notebook.text(code)).to.equal("7")
  })

  it("keeps what a loop had come to when it throws", async () => {
    await notebook.failure(
      "let count = 0; for (const x of [1, 2, 3]) { count += x; if (x === 2) throw new Error('two') }",
    )
    expect(await notebook.text("count")).to.equal("3")
  })

  it("lets functions called in a loop see what the loop changes", async () => {
    await notebook.text("let total = 0; function read() { return total }\nconst reads: number[] = []")
    expect(
      await notebook.text("for (let i = 1; i < 4; i++) { total += i; reads.push(read()) }\nreads"),
    ).to.equal("[ 1, 3, 6 ]")
  })

  it("may say what is there without defining it", async () => {
    Object.assign(globalThis, { ambient: 5 })
    try {
      expect(await notebook.text("declare var ambient: number\nambient + 1")).to.equal("6")
      expect(await notebook.text("const later = () => ambient\nambient = 7; later()")).to.equal("7")
      const code = `declare const ambientC: string
declare function ambientF(a: number): string
declare class AmbientK { a: number }
declare namespace N { const z: number }
declare enum E { A = 3 }
declare const enum Inlined { B = 4 }
declare let ambientU: number, ambientV: string
declare global { var g: bigint }
type T = AmbientK["a"]`
      expect(await notebook.text(code)).to.equal(undefined)
      expect(await notebook.text("[typeof ambientC, typeof ambientF, typeof AmbientK, Inlined.B]")).to.equal(
        "[ 'undefined', 'undefined', 'undefined', 4 ]",
      )
      expect(
        (await notebook.failure("const wrong: string = ambientV, bad: boolean = ambientU")).message,
      ).to.include("TS2322")
      expect((await notebook.failure("ambientC")).message).to.equal("ambientC is not defined")
    } finally {
      Reflect.deleteProperty(globalThis, "ambient")
    }
  })

  it("may declare again what a cell has defined, which stays as it is", async () => {
    await notebook.text("let kept = 1")
    expect(await notebook.text("declare let kept: number | string\nkept")).to.equal("1")
  })

  it("is strict code, like a module", async () => {
    expect(await notebook.text("(function (this: unknown) { return this })() === undefined")).to.equal("true")
  })
})
