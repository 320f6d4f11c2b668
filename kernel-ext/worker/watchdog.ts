import { writeSync } from "node:fs"
import { Socket } from "node:net"
import {
  Control,
  type ControlRequest,
  controlRequestBytes,
  decodeControlRequest,
  encodeControlReply,
} from "../protocol/worker.ts"
import { Ticket } from "./ticket.ts"

const controlFd = 5

/**
 * A thread beside the one that runs tasks, which user code cannot block. It answers the host (which task runs, since
 * when), gives tasks back, and ends the process when the host is gone, so that no worker outlives its kernel.
 */
export function watch(memory: SharedArrayBuffer): void {
  const ticket = new Ticket(memory)
  const socket = new Socket({ fd: controlFd })
  let rest: Buffer = Buffer.alloc(0)
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (; rest.length >= controlRequestBytes; rest = rest.subarray(controlRequestBytes))
      answer(socket, ticket, decodeControlRequest(rest))
  })
  socket.on("error", end)
  socket.on("close", end)
}

function answer(socket: Socket, ticket: Ticket, { what, id, epoch }: ControlRequest): void {
  const next = what === Control.takeBack ? ticket.close(epoch) : ticket.next
  const { busy, startedAtMs } = ticket
  socket.write(encodeControlReply({ id, next, busy, startedAtMs }))
}

/** SIGKILL, because the main thread may never again get to run an exit handler. */
function end(): void {
  try {
    process.kill(process.pid, "SIGKILL")
  } catch (error) {
    writeSync(2, `Worker could not end itself: ${error}\n`)
  }
}
