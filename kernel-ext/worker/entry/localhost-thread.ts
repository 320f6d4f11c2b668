import { createRequire } from "node:module"
import { type MessagePort, workerData } from "node:worker_threads"
import { overrideModule } from "../../capture/load.ts"
import { type FromWorker, type Letter, readLetter, type ToWorker } from "../../protocol/worker.ts"
import { movable } from "../../util/moving.ts"
import { handleFaults } from "../faults.ts"
import { threadMeter } from "../meter.ts"
import { routeOutput } from "../output.ts"
import { Runtime } from "../runtime.ts"
import { Ticket } from "../ticket.ts"

/**
 * A worker thread of the host's process. The host sees the ticket in shared memory, so there is no watchdog here, and
 * ends the thread from outside.
 */
export interface ThreadData {
  readonly port: MessagePort
  readonly ticket: SharedArrayBuffer
}

interface Posted {
  readonly letter: Letter
  readonly parts: readonly Uint8Array[]
}

const { port, ticket } = workerData as ThreadData

/** Memory that further tasks use: captured values and extra arguments. A result that stands in it is copied. */
const lasting = new WeakSet<ArrayBufferLike>()
const lastingMessages: ReadonlySet<ToWorker["type"]> = new Set(["broadcast", "ship", "job"])

const runtime = new Runtime({ send, ticket: new Ticket(ticket), meter: threadMeter, sharesMemory: true })
routeOutput()
overrideModule("cellfan", () => createRequire(import.meta.url)("./index.js"))
handleFaults(runtime, send)
port.on("message", ({ letter, parts }: Posted) => {
  readLetter(letter, parts, (message, own) => {
    if (lastingMessages.has(message.type)) for (const { buffer } of own) lasting.add(buffer)
    runtime.receive(message, own)
  })
})
port.on("close", () => process.exit(0))
send({ type: "ready" })

/** A result's memory moves to the host: the task that made it has ended. */
function send(message: FromWorker, parts: readonly Uint8Array[] = []): void {
  const { sent, moved } = movable(parts, ({ buffer }) => !lasting.has(buffer))
  port.postMessage({ message, parts: sent }, moved)
}
