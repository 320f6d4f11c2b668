import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("errors of a cell", () => {
  let notebook: Notebook
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook()
  })
  after(() => notebook.close())

  it("of types stop it before anything runs, at line and column as typed", async () => {
    const { name, message, traceback } = await notebook.failure(
      "Object.assign(globalThis, { ran: 1 + true })\n\nconst bad: string =\n  5",
    )
    expect(name).to.equal("TypeScriptError")
    expect(message).to.contain("TS2365").and.to.contain("1 more")
    expect(traceback).to.match(
      /cell \d+:3:7 - error TS2322: Type 'number' is not assignable to type 'string'\./,
    )
    expect(traceback).to.contain("> 3 | const bad: string =\n    |       ^^^")
    expect("ran" in globalThis).to.equal(false)
  })

  it("of types are all told, up to ten", async () => {
    const code = Array.from({ length: 14 }, (_, index) => `const bad${index}: string = ${index}`).join("\n")
    const { traceback } = await notebook.failure(code)
    expect(traceback.match(/error TS2322/g)).to.have.lengthOf(10)
    expect(traceback).to.contain("… and 4 more errors")
  })

  it("of syntax are told as such", async () => {
    const { name, message } = await notebook.failure("let x = ;")
    expect(name).to.equal("SyntaxError")
    expect(message).to.match(/TS1109: Expression expected\. \(cell \d+:1:9\)/)
  })

  it("of types are let pass where the cell says so", async () => {
    expect(await notebook.text("// @ts-nocheck\nconst five: string = 5; five")).to.equal("5")
    expect(await notebook.text("// @ts-expect-error\nconst six: string = 6; six")).to.equal("6")
    expect((await notebook.failure("// @ts-expect-error\nconst seven: number = 7")).message).to.contain(
      "TS2578",
    )
  })

  it("of types are let pass where the kernel was told so, and syntax errors are not", async () => {
    const unchecked = openNotebook({ typeCheck: false })
    expect(await unchecked.text("const eight: string = 8; eight")).to.equal("8")
    expect((await unchecked.failure("const = 1")).name).to.equal("SyntaxError")
    await unchecked.close()
  })

  it("point to the user's own lines, through all calls, with the code around", async () => {
    await notebook.text(
      "interface Unused { a: 1 }\n\nfunction boom(what: string): never {\n  throw new TypeError(what)\n}",
    )
    const { name, message, traceback } = await notebook.failure(
      "type T = 1\n\nconst call = () => boom('bang')\ncall()",
    )
    expect([name, message]).to.deep.equal(["TypeError", "bang"])
    expect(traceback).to.match(
      /^TypeError: bang\n {4}at boom \(cell \d+:4:9\)\n {4}at call \(cell \d+:3:20\)\n {4}at cell \d+:4:1\n/,
    )
    expect(traceback).to.contain("> 4 |   throw new TypeError(what)\n    |         ^")
  })

  it("point to the user's own lines after await", async () => {
    const { traceback } = await notebook.failure(
      "const wait = async (x: number) => {\n  await null\n  throw new Error('later')\n}\nawait wait(1)",
    )
    expect(traceback).to.match(/at wait \(cell \d+:3:9\)\n {4}at async cell \d+:5:1/)
  })

  it("point into modules beside the notebook", async () => {
    writeFileSync(
      join(notebook.folder, "thrower.ts"),
      "interface Gone {}\nexport function thrower(): never {\n  throw new RangeError('inside')\n}",
    )
    const { traceback } = await notebook.failure("import { thrower } from './thrower'\nthrower()")
    expect(traceback).to.match(/at thrower \(thrower\.ts:3:9\)\n {4}at cell \d+:2:1/)
  })

  it("show cause, gathered errors and own properties", async () => {
    const { traceback } = await notebook.failure(
      "throw Object.assign(new AggregateError([new Error('a'), new RangeError('b')], 'many', { cause: new Error('why') }), { code: 'E_MANY' })",
    )
    expect(traceback).to.contain("AggregateError: many").and.to.contain("Cause: Error: why")
    expect(traceback).to.contain("Error 1 of 2: Error: a").and.to.contain("Error 2 of 2: RangeError: b")
    expect(traceback).to.contain("E_MANY")
  })

  it("show what a task's error was made of, also where the task's own error says the same first", async () => {
    const { traceback } = await notebook.failure(`
      const gathered = new AggregateError([new Error('inner')], 'both')
      throw new Error('Task 0 failed: AggregateError: both', { cause: gathered })`)
    expect(traceback).to.contain("Cause: AggregateError: both").and.to.contain("Error 1 of 1: Error: inner")
  })

  it("tell of what fails while something is disposed of, and of what came before", async () => {
    const { traceback } = await notebook.failure(
      "using it = { [Symbol.dispose]() { throw new Error('at its end') } }\nthrow new Error('before')",
    )
    expect(traceback).to.match(/While it was disposed of: Error: at its end\n.*cell \d+:1:/)
    expect(traceback).to.match(/After: Error: before\n.*cell \d+:2:7/)
  })

  it("in code made from text tell where that was evaluated", async () => {
    const { traceback } = await notebook.failure("const text = 'nowhere'\neval(text)")
    expect(traceback).to.match(/at eval \(eval at .*\(cell \d+:2:1\), <anonymous>:1:1\)/)
  })

  it("that are their own cause are told once", async () => {
    const { traceback } = await notebook.failure(
      "const circular = new Error('round'); circular.cause = circular; throw circular",
    )
    expect(traceback.match(/round\n/g)).to.have.length(1)
    expect(traceback).not.to.contain("Cause")
  })

  it("carry the name of the class that was thrown", async () => {
    const { name } = await notebook.failure("class OwnError extends Error {}\nthrow new OwnError('mine')")
    expect(name).to.equal("OwnError")
  })

  it("may be any value", async () => {
    expect(await notebook.failure("throw { not: 'an error' }")).to.deep.include({
      name: "Uncaught",
      message: "{ not: 'an error' }",
    })
    expect((await notebook.failure("throw undefined")).message).to.equal("undefined")
    expect((await notebook.failure("await Promise.reject('text')")).message).to.equal("'text'")
  })

  it("thrown later by a timer are explained on the cell's lines", async () => {
    await notebook.text(
      "let thrown: unknown\nsetTimeout(() => { thrown = new Error('tick') }, 1)\nawait new Promise((resolve) => setTimeout(resolve, 5))",
    )
    const binding = notebook.interpreter.bindings.lookup("thrown")
    const { traceback } = notebook.interpreter.explain(binding?.kind === "value" ? binding.value : undefined)
    expect(traceback.join("\n")).to.match(/cell \d+:2:29/)
  })

  it("are those of the text as typed where magics changed it", async () => {
    const typed = "%%magic --flag\nconst x: string = 5"
    const code = "        \nconst x: string = 5"
    const cell = {
      id: "typed",
      executionCount: 99,
      silent: false,
      signal: new AbortController().signal,
      output: { stream() {}, displayData() {}, updateDisplayData() {}, clearOutput() {} },
    }
    const outcome = await notebook.interpreter.run(code, cell, {
      text: typed,
      toTyped: (offset) => offset + 6,
    })
    expect(outcome.status === "error" && outcome.error.message).to.contain("(cell 99:2:7)")
  })

  it("tell the user's lines in their own stack property too, where the kernel was told so", async () => {
    const before = Error.prepareStackTrace
    const mapping = openNotebook({ mapStacks: true })
    await mapping.text("interface Gone { a: 1 }\nfunction boom(): never {\n  throw new TypeError('bang')\n}")
    expect(
      await mapping.text(
        "let stack = ''\ntry { boom() } catch (error) { stack = (error as Error).stack }\nstack",
      ),
    ).to.match(/^TypeError: bang\n {4}at boom \(cell 1:3:9\)\n {4}at .*cell 2:2:7/)
    const { traceback } = await mapping.failure("boom()")
    expect(traceback).to.match(/^TypeError: bang\n {4}at boom \(cell 1:3:9\)\n {4}at cell 3:1:1\n/)
    expect(traceback).to.contain("> 3 |   throw new TypeError('bang')\n    |         ^")
    const printed = await mapping.text("boom.name + new Error('here').stack")
    expect(printed).to.equal("boomError: here\n    at cell 4:1:13")
    await mapping.close()
    expect(Error.prepareStackTrace).to.equal(before)
  })

  it("leave the notebook as it was", async () => {
    await notebook.text("let kept = 1")
    await notebook.failure("kept = 'text'")
    await notebook.failure("throw new Error('x')")
    expect(await notebook.text("kept + 1")).to.equal("2")
  })
})
