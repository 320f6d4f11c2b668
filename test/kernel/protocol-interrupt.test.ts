import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import type { KernelClient, Served } from "../support/kernel-client.ts"
import { type PlainKernel, startPlainKernel } from "./protocol/plain.ts"

/** Whatever a cell does, an interrupt ends it, heartbeat and control are served meanwhile, and the kernel's state stays. */

/** Every place where code may loop, and how it gets there. */
const loops: Readonly<Record<string, string>> = {
  "a synchronous loop": "for (;;);",
  "a loop that catches everything": "for (;;) { try { for (;;); } catch {} finally {} }",
  "an await that never ends": "await new Promise(() => {})",
  "a sleep": "await sleep(1e6)",
  "a loop of awaits": "for (;;) await sleep(5)",
  "a loop of microtasks": "for (;;) await null",
  "a loop after an await of a timer": "await sleep(10); for (;;);",
  "a loop after an await of nothing": "await null; for (;;);",
  "a loop after an await of a file":
    "await process.getBuiltinModule('fs/promises').readFile(process.execPath); for (;;);",
  "a loop after an await of a child process":
    "await new Promise((go) => process.getBuiltinModule('child_process').exec('true', go)); for (;;);",
  "a loop after a fetch": `
    const server = process.getBuiltinModule('http').createServer((_, answer) => answer.end('x'))
    await new Promise((go) => server.listen(0, '127.0.0.1', go))
    await (await fetch('http://127.0.0.1:' + server.address().port)).text()
    server.closeAllConnections(); server.close()
    for (;;);`,
  "a loop in a timer": "setTimeout(() => { for (;;); }, 10); await sleep(1e6)",
  "a loop in an immediate": "setImmediate(() => { for (;;); }); await sleep(1e6)",
  "a loop in nextTick": "process.nextTick(() => { for (;;); }); await sleep(1e6)",
  "a loop in a microtask": "queueMicrotask(() => { for (;;); }); await sleep(1e6)",
  "a loop in a callback": "process.getBuiltinModule('fs').stat('/', () => { for (;;); }); await sleep(1e6)",
  "a loop in an event": `
    const emitter = new (process.getBuiltinModule('events'))()
    setTimeout(() => emitter.emit('x'), 5); emitter.on('x', () => { for (;;); }); await sleep(1e6)`,
  "a loop in a promise's reaction": "sleep(5).then(() => { for (;;); }); await sleep(1e6)",
  "a wait of Atomics": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
  "a flood of output": "for (;;) console.log('x'.repeat(100))",
}

const SLOWEST_MS = 3000

describe("An interrupt", () => {
  let plain: PlainKernel
  let kernel: KernelClient

  before(async () => {
    plain = await startPlainKernel()
    kernel = plain.kernel
  })

  after(() => plain?.close())

  async function interrupted(code: string): Promise<Served & { tookMs: number }> {
    const id = await kernel.sendCell(code)
    await kernel.until(() => kernel.iopub(id).some(({ type }) => type === "execute_input"))
    await sleep(150)
    const before = performance.now()
    await kernel.do("interrupt")
    const served = await kernel.served(id)
    return { ...served, tookMs: performance.now() - before }
  }

  for (const [name, code] of Object.entries(loops)) {
    it(`ends ${name}`, async () => {
      await kernel.execute("globalThis.kept = 41")
      const { reply, iopub, tookMs } = await interrupted(code)
      expect(reply.content).to.include({ status: "error", ename: "KeyboardInterrupt" })
      expect(iopub.at(-1)?.content.execution_state).to.equal("idle")
      expect(tookMs).to.be.below(SLOWEST_MS)
      const next = await kernel.execute(`
        await sleep(1); await null
        await new Promise((go) => setImmediate(go))
        await process.getBuiltinModule('fs/promises').stat('/')
        console.log(kept + 1)`)
      expect(next.reply.content).to.include({ status: "ok" })
      expect(next.iopub.find(({ type }) => type === "stream")?.content.text).to.equal("42\n")
    })
  }

  /** What comes only after the interrupt, which each finds waiting. */
  const leftBehind: Readonly<Record<string, string>> = {
    "a timer": "setTimeout(() => { for (;;); }, 600)",
    "an interval": "setInterval(() => { for (;;); }, 600)",
    "an immediate": "setTimeout(() => setImmediate(() => { for (;;); }), 600)",
    "a tick": "setTimeout(() => process.nextTick(() => { for (;;); }), 600)",
    "a promise's reaction": "sleep(600).then(() => { for (;;); })",
    "an await": "(async () => { await sleep(600); for (;;); })()",
    "an await of a file":
      "(async () => { await sleep(600); await process.getBuiltinModule('fs/promises').stat('/'); for (;;); })()",
    "a callback": "setTimeout(() => process.getBuiltinModule('fs').stat('/', () => { for (;;); }), 600)",
    "two of them": "for (let i = 0; i < 2; i++) setTimeout(() => { for (;;); }, 600 + i)",
  }

  for (const [name, code] of Object.entries(leftBehind)) {
    it(`is followed by other cells, whatever loops in ${name} that the cell has left behind`, async () => {
      const { reply } = await interrupted(`${code}; await sleep(1e6)`)
      expect(reply.content.ename).to.equal("KeyboardInterrupt")
      const waiting = await kernel.execute("await sleep(1000)")
      expect(waiting.reply.content.status).to.equal("ok")
      const next = await kernel.execute("await new Promise((go) => setImmediate(go)); await sleep(5)")
      expect(next.reply.content.status).to.equal("ok")
    })
  }

  it("ends nothing of the cells before it and after it, however long they keep the thread busy", async () => {
    const busy = "const end = Date.now() + 1500; while (Date.now() < end);"
    await kernel.execute(`setTimeout(() => { ${busy} globalThis.earlier = true }, 500)`)
    await interrupted("await sleep(1e6)")
    const { reply } = await kernel.execute(`await sleep(700); ${busy}`)
    expect(reply.content.status).to.equal("ok")
    const { iopub } = await kernel.execute("earlier")
    expect(iopub[2]?.content.data["text/plain"]).to.equal("true")
  })

  it("aborts the signal of the cell, so that what it runs elsewhere is cancelled", async () => {
    await interrupted("globalThis.signal = cell().signal; await sleep(1e6)")
    const { iopub } = await kernel.execute("signal.aborted + ' ' + signal.reason.name")
    expect(iopub[2]?.content.data["text/plain"]).to.equal("'true KeyboardInterrupt'")
  })

  it("aborts that signal also where a loop kept the thread busy", async () => {
    await interrupted("globalThis.signal = cell().signal; for (;;);")
    const { iopub } = await kernel.execute("signal.aborted")
    expect(iopub[2]?.content.data["text/plain"]).to.equal("true")
  })

  it("does nothing to an idle kernel, and nothing to the cell after it", async () => {
    for (let i = 0; i < 5; i++) await kernel.request("interrupt_request", {}, { channel: "control" })
    const { reply } = await kernel.execute("await sleep(300)")
    expect(reply.content.status).to.equal("ok")
  })

  it("aborts the cells queued behind, once", async () => {
    const first = await kernel.sendCell("await sleep(1e6)")
    const second = await kernel.sendCell("2")
    await kernel.until(() => kernel.iopub(first).length >= 2)
    await kernel.do("interrupt")
    expect((await kernel.served(first)).reply.content.ename).to.equal("KeyboardInterrupt")
    expect((await kernel.served(second)).reply.content.status).to.equal("aborted")
    expect((await kernel.execute("3")).reply.content.status).to.equal("ok")
  })

  it("can come thirty times in a row", async () => {
    for (let i = 0; i < 30; i++) {
      const id = await kernel.sendCell(i % 2 === 0 ? "await null; for (;;);" : "for (;;);")
      await kernel.until(() => kernel.iopub(id).length >= 2)
      await kernel.do("interrupt")
      expect((await kernel.served(id)).reply.content.ename).to.equal("KeyboardInterrupt")
    }
    expect((await kernel.execute("1 + 1")).reply.content.status).to.equal("ok")
  }).timeout(60_000)

  it("ends also code that a cell put in the way of the kernel's own, and the kernel goes on", async () => {
    // Often, because what has to come right is the order of two threads.
    for (let i = 0; i < 10; i++) {
      const id = await kernel.sendCell(`
        globalThis.real ??= JSON.stringify
        JSON.stringify = () => { JSON.stringify = real; for (;;); }
        1`)
      const behind = await kernel.sendCell("2")
      await sleep(200)
      await kernel.do("interrupt")
      expect((await kernel.served(id)).reply.content.status).to.equal("error")
      expect((await kernel.served(behind)).reply.content.status).to.equal("ok")
    }
  }).timeout(60_000)

  it("by signal ends a loop, an await, a loop after an await, and aborts the cell's signal", async () => {
    for (const code of ["for (;;);", "await sleep(1e6)", "await null; for (;;);"]) {
      const id = await kernel.sendCell(`globalThis.signal = cell().signal; ${code}`)
      await kernel.until(() => kernel.iopub(id).length >= 2)
      await sleep(100)
      process.kill(kernel.pid, "SIGINT")
      expect((await kernel.served(id)).reply.content.ename, code).to.equal("KeyboardInterrupt")
      const { iopub } = await kernel.execute("signal.aborted")
      expect(iopub[2]?.content.data["text/plain"], code).to.equal("true")
    }
  })

  it("is not needed for the heartbeat and the control channel to be served", async () => {
    const id = await kernel.sendCell("await null; for (;;);")
    await kernel.until(() => kernel.iopub(id).length >= 2)
    expect(await kernel.do("beats", { seconds: 1 })).to.be.above(20)
    const before = performance.now()
    await kernel.request("kernel_info_request", {}, { channel: "control" })
    expect(performance.now() - before).to.be.below(500)
    await kernel.do("interrupt")
    await kernel.served(id)
  })
})
