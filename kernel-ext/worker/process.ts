import { writeSync } from "node:fs"
import { type OnReadOpts, Socket } from "node:net"
import { Worker } from "node:worker_threads"
import { type FromWorker, type Letter, readLetter } from "../protocol/worker.ts"
import { encodeFrame, FrameReader } from "../util/frames.ts"
import { handleFaults } from "./faults.ts"
import { processMeter } from "./meter.ts"
import { routeOutput } from "./output.ts"
import { type Place, Runtime } from "./runtime.ts"
import { Ticket } from "./ticket.ts"

/** Messages come on descriptor 3 and leave on 4; the watchdog has 5 (watchdog.ts). */
const [inputFd, outputFd] = [3, 4]

/**
 * Runs tasks in this process.
 *
 * @param watchdog The file of its watchdog: a thread, as each worker loads it at its start.
 * @param remote Where it does not see the host's files.
 */
export function runProcess(watchdog: URL, remote?: Place["remote"]): void {
  const ticket = new Ticket()
  const runtime = new Runtime({
    ...{ send, ticket, meter: processMeter, sharesMemory: false },
    ...(remote !== undefined && { remote }),
  })
  routeOutput()
  handleFaults(runtime, send)
  const reader = new FrameReader((head, parts) =>
    readLetter(head as Letter, parts, (message, own) => runtime.receive(message, own)),
  )
  // Reads into the frames' own memory, in place of chunks that would have to be put together.
  const input = new Socket({ fd: inputFd, onread: onRead(reader) })
  input.on("close", () => process.exit(0))
  input.on("error", () => process.exit(0))
  send({ type: "ready" })
  new Worker(watchdog, { workerData: ticket.memory, stdout: false }).unref()
}

function onRead(reader: FrameReader): OnReadOpts {
  return {
    buffer: () => reader.space(),
    callback: (count) => {
      reader.filled(count)
      return true
    },
  }
}

/**
 * Writes block: a result is with the host before the next task begins, whatever that one does to the process, and a
 * host that is busy slows its workers down instead of filling their memory.
 */
function send(message: FromWorker, parts: readonly Uint8Array[] = []): void {
  for (const buffer of encodeFrame(message, parts)) writeWhole(buffer)
}

function writeWhole(buffer: Uint8Array): void {
  for (let at = 0; at < buffer.byteLength; ) {
    try {
      at += writeSync(outputFd, buffer, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EAGAIN") continue
      // The channel is gone: the host has closed it, or user code did. Nobody would hear of anything further.
      process.removeAllListeners("exit")
      process.exit(70)
    }
  }
}
