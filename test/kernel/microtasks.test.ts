import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import type { KernelClient } from "../support/kernel-client.ts"
import { installedKernel } from "./installed-kernel.ts"

/** Loops that never let an event come, an interrupt neither, with the kernel as it is installed. */

const loops: Readonly<Record<string, string>> = {
  "an async generator": "for await (const one of (async function* () { for (;;) yield 1 })()) ;",
  "awaits of nothing": "for (;;) await null",
  "awaits and long work between them":
    "for (;;) { await null; const end = Date.now() + 20; while (Date.now() < end); }",
  "many at once": "await Promise.all([1, 2, 3].map(async () => { for (;;) await null }))",
}

const SLOWEST_MS = 1500

describe("A cell that loops over microtasks", function () {
  this.timeout(60_000)
  let kernel: KernelClient
  installedKernel("let kept = 41", (installed) => {
    kernel = installed.kernel
  })

  async function interrupted(code: string) {
    const id = await kernel.sendCell(code)
    await kernel.until(() => kernel.iopub(id).some(({ type }) => type === "execute_input"))
    await sleep(200)
    const before = performance.now()
    await kernel.do("interrupt")
    const served = await kernel.served(id)
    return { ...served, tookMs: performance.now() - before }
  }

  for (const [name, code] of Object.entries(loops)) {
    it(`of ${name} ends by an interrupt, time and again`, async () => {
      for (let round = 0; round < 4; round++) {
        const { reply, tookMs } = await interrupted(code)
        expect(reply.content.ename).to.equal("KeyboardInterrupt")
        expect(tookMs, `round ${round}`).to.be.below(SLOWEST_MS)
        const { iopub } = await kernel.execute("kept + 1")
        expect(iopub.find(({ type }) => type === "execute_result")?.content.data["text/plain"]).to.equal("42")
      }
    })
  }

  it("does at its end what a `finally` waits for", async () => {
    const { iopub } = await interrupted(
      "const spin = async () => { try { for (;;) await null } finally { await null; console.log('tidied') } }\nawait spin()",
    )
    expect(iopub.find(({ type }) => type === "stream")?.content.text).to.equal("tidied\n")
  })

  it("may catch the interrupt, and ends all the same", async () => {
    const { reply } = await interrupted("for (;;) { try { for (;;) await null } catch {} }")
    expect(reply.content.ename).to.equal("KeyboardInterrupt")
    expect((await kernel.execute("kept")).reply.content.status).to.equal("ok")
  })
})
