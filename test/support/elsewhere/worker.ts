import { writeSync } from "node:fs"
import { join } from "node:path"
import type { FromWorker, ToWorker } from "../../../kernel-ext/protocol/worker.ts"
import { encodeFrame, FrameReader } from "../../../kernel-ext/util/frames.ts"
import { handleFaults } from "../../../kernel-ext/worker/faults.ts"
import { processMeter } from "../../../kernel-ext/worker/meter.ts"
import { routeOutput } from "../../../kernel-ext/worker/output.ts"
import { Runtime } from "../../../kernel-ext/worker/runtime.ts"
import { Ticket } from "../../../kernel-ext/worker/ticket.ts"

/** The runtime as it runs elsewhere: messages come on stdin and leave on descriptor 3. Bundled to one file for bare node. */
const remote = { cacheFolder: join(process.cwd(), "v8-cache") }
const runtime = new Runtime({
  send,
  ticket: new Ticket(),
  meter: processMeter,
  sharesMemory: false,
  remote,
})
routeOutput()
handleFaults(runtime, send)
const reader = new FrameReader((head, parts) => runtime.receive(head as ToWorker, parts))
process.stdin.on("data", (chunk: Buffer) => reader.push(chunk))

function send(message: FromWorker, parts: readonly Uint8Array[] = []): void {
  for (const buffer of encodeFrame(message, parts))
    for (let at = 0; at < buffer.byteLength; ) at += writeSync(3, buffer, at)
}
