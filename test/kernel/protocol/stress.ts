import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { dist } from "../../../scripts/util/paths.mjs"
import { KernelClient } from "../../support/kernel-client.ts"
import { buildPlainKernel } from "./plain.ts"

/**
 * Interrupts cells of all kinds at moments of all kinds, until a request has no reply.
 *
 *     node --import tsx test/kernel/protocol/stress.ts [plain | installed] [SECONDS] [SPINNING THREADS]
 *
 * A kernel that stalls is left running, so that one can look into it: its process id is printed.
 */
const [which = "installed", seconds = "60", spinners = "0"] = process.argv.slice(2)

const loops = [
  "for (;;);",
  "for (;;) await null",
  "await null; for (;;);",
  "await new Promise((go) => setTimeout(go, 5)); for (;;);",
  "setTimeout(() => { for (;;); }, 5); await new Promise(() => {})",
  "setImmediate(() => { for (;;); }); await new Promise(() => {})",
  "process.nextTick(() => { for (;;); }); await new Promise(() => {})",
  "await new Promise(() => {})",
  "for (;;) console.log('x'.repeat(50))",
  "for (;;) await new Promise((go) => setTimeout(go, 1))",
  "for (let i = 0; i < 1e6; i++) Math.sqrt(i)",
  "1 + 1",
  "process.getBuiltinModule('fs').stat('/', () => { for (;;); }); await new Promise(() => {})",
  "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
]

/** What every part of Node's event loop must still do after an interrupt. */
const check = `
  await new Promise((go) => setTimeout(go, 1)); await null
  await new Promise((go) => setImmediate(go))
  await process.getBuiltinModule("fs/promises").stat("/")
  "all there"`

const plain = which === "plain" ? await buildPlainKernel() : undefined
const kernel = await KernelClient.start({
  command: plain?.command ?? [process.execPath, join(dist, "kernel.js")],
})
const endMs = performance.now() + Number(seconds) * 1000
const busy = Array.from({ length: Number(spinners) }, async () => {
  const { Worker } = await import("node:worker_threads")
  return new Worker("for (;;);", { eval: true })
})
let cells = 0
while (performance.now() < endMs) {
  const code = loops[Math.floor(Math.random() * loops.length)] ?? ""
  const id = await kernel.sendCell(code)
  await sleep(Math.random() < 0.3 ? Math.random() * 30 : 100 + Math.random() * 100)
  await kernel.do("interrupt")
  const ended = kernel.served(id, 20_000)
  // One that comes before the cell ends nothing.
  const again = setInterval(() => void kernel.do("interrupt"), 4000)
  try {
    await ended
    clearInterval(again)
    const { iopub } = await kernel.execute(check)
    if (!JSON.stringify(iopub).includes("all there"))
      throw new Error(`Not all there: ${JSON.stringify(iopub)}`)
  } catch (error) {
    console.log(`Stalled after ${cells} cells, at ${code}; the kernel is process ${kernel.pid}\n${error}`)
    await new Promise(() => {})
  }
  cells++
}
console.log(`${cells} cells, each with a reply`)
for (const spinner of busy) await (await spinner).terminate()
await kernel.close()
await plain?.remove()
