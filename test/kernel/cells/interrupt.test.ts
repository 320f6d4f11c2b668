import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("an interrupted cell", () => {
  it("ends while it waits, and leaves the notebook usable", async function () {
    this.timeout(60_000)
    const fixture = fileURLToPath(new URL("./fixtures/interrupted.ts", import.meta.url))
    const child = spawn(process.execPath, ["--import", "tsx/esm", fixture], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const told: unknown[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      if (line !== "ready") told.push(JSON.parse(line))
      // A moment for the promise to be waited for.
      else setTimeout(() => child.kill("SIGINT"), 100)
    }
    if (child.exitCode === null) await once(child, "exit")
    expect(told).to.deep.equal(["KeyboardInterrupt: The cell was interrupted", "2"])
  })
})

describe("what an interrupted cell was doing", () => {
  let notebook: Notebook
  before(async function () {
    this.timeout(60_000)
    notebook = openNotebook()
    await notebook.text(
      "const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)); let seen = 0",
    )
  })
  after(() => notebook.close())

  /** Interrupts the cell when it has waited for a moment, and gives what `seen` has become much later. */
  async function seenAfter(code: string): Promise<string | undefined> {
    await notebook.text("seen = 0")
    const controller = new AbortController()
    const ended = notebook.run(code, controller.signal)
    while ((await notebook.text("seen")) === "0") await sleep(5)
    controller.abort()
    const outcome = await ended
    expect(outcome.status === "error" && outcome.error.name).to.equal("KeyboardInterrupt")
    await notebook.text("seen = 1")
    await sleep(150)
    return notebook.text("seen")
  }

  it("goes on nowhere: at its top, in loops, in functions, in many at once", async () => {
    const codes = [
      "seen = 1; await wait(50); seen = 2",
      "for (;;) { seen++; await wait(20) }",
      "for await (const _ of { async *[Symbol.asyncIterator]() { for (;;) { yield 1; await wait(20) } } }) seen++",
      "async function poll() { for (;;) { seen++; await wait(20) } }\nawait poll()",
      "await Promise.all([1, 2, 3].map(async (by) => { for (;;) { seen += by; await wait(20) } }))",
      "class Poll { async *[Symbol.asyncIterator]() { for (;;) { seen++; yield await wait(20) } } }\nfor await (const _ of new Poll()) {}",
      "void (async () => { for (;;) { seen++; await wait(20) } })()\nawait wait(1e5)",
      "seen = 1; await wait(50); for (;;);",
    ]
    for (const code of codes) expect(await seenAfter(code), code).to.equal("1")
  })

  it("is cleaned up after, waiting where that is asked for", async () => {
    expect(
      await seenAfter("try { seen = 1; await wait(50) } finally { await wait(5); seen += 10 }"),
    ).to.equal("11")
    const using =
      "await using it = { async [Symbol.asyncDispose]() { await wait(5); seen += 20 } }; seen = 1; await wait(50)"
    expect(await seenAfter(using)).to.equal("21")
  })

  it("leaves what it started for later cells to use", async () => {
    const code =
      "const slowly = async (n: number) => { await wait(5); return n + 1 }; const queue: ((n: number) => void)[] = []\nsetImmediate(() => queue.push(async (n) => { await wait(5); seen = await slowly(n) })); await wait(20); seen = 1; await wait(1e5)"
    await seenAfter(code)
    expect(await notebook.text("queue[0]!(6); await wait(100); seen")).to.equal("7")
  })

  it("does nothing to the meaning of a wait", async () => {
    expect(
      await notebook.text("const o = { n: 1, m() { return this } }; (await o.m)() === undefined"),
    ).to.equal("true")
    expect(
      await notebook.text(
        "async function* two() { yield 1; yield 2 }\nlet sum = 0; for await (const one of (0, two())) sum += one\nsum",
      ),
    ).to.equal("3")
    const closing =
      "let left = ''; const items = (n: number) => ({ [Symbol.asyncIterator]: () => ({ i: 0, async next() { return { done: this.i >= n, value: { then: () => {}, i: this.i++ } } }, async return() { left += n; return { done: true, value: undefined } } }) })"
    await notebook.text(closing)
    expect(
      await notebook.text(
        "let seenItems = ''; for await (const one of items(3)) seenItems += one.i; for await (const _ of items(9)) break; [seenItems, left].join()",
      ),
    ).to.equal("012,9")
    expect(await notebook.failure("for await (const _ of (5 as any)) {}"))
      .property("traceback")
      .to.match(/is not (async )?iterable/)
    expect(
      await notebook.text(
        "const [first, { second }] = [await 1, await { second: await 2 }]; [await first, second].join('')",
      ),
    ).to.equal("12")
    expect(
      await notebook.failure("async function fails() { await null; throw new Error('no') }\nawait fails()"),
    )
      .property("traceback")
      .to.match(/at fails \(cell \d+:1:/)
      .and.to.match(/at async cell \d+:2:1/)
  })

  it("is a function whose text can be evaluated elsewhere", async () => {
    const code =
      "const apart = async (list: number[]) => { let all = 0; for await (const one of list) all += await one; return all }\nrequire('node:vm').runInNewContext('(' + apart + ')([1, 2])')"
    expect(await notebook.text(`await (() => { ${code.replace("\n", "; return ")} })()`)).to.equal("3")
  })
})
