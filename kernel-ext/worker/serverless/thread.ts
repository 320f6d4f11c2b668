import { parentPort, workerData } from "node:worker_threads"
import type { FromWorker, Sending } from "../../protocol/worker.ts"
import { movable } from "../../util/moving.ts"
import { handleFaults } from "../faults.ts"
import { type Meter, processMeter } from "../meter.ts"
import { routeOutput } from "../output.ts"
import { Runtime } from "../runtime.ts"
import { Ticket } from "../ticket.ts"
import type { TaskThreadData } from "./task-thread.ts"

/**
 * Runs tasks in this thread.
 *
 * @param meter Where others run beside it, that of a thread. Default: what the process uses is the task's.
 */
export function runThread(meter: Meter = processMeter): void {
  const { ticket, cacheFolder } = workerData as TaskThreadData
  const remote = { cacheFolder }
  const runtime = new Runtime({
    send,
    ticket: new Ticket(ticket),
    meter,
    sharesMemory: false,
    remote,
  })
  routeOutput()
  handleFaults(runtime, send)
  parentPort?.on("message", ({ message, parts }: Sending) => runtime.receive(message, parts))
}

/** What leaves is copied: results may stand in memory that further tasks use. */
function send(message: FromWorker, parts: readonly Uint8Array[] = []): void {
  const { sent, moved } = movable(parts, () => false)
  parentPort?.postMessage({ message, parts: sent }, moved)
}
