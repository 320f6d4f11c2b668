import { MessageChannel } from "node:worker_threads"
import { outsideCells } from "./current-cell.ts"

const { port1, port2 } = new MessageChannel()
const waiting: (() => void)[] = []

port1.on("message", () => {
  const body = waiting.shift()
  if (waiting.length === 0) port1.unref()
  if (body !== undefined) outsideCells(body)
})
// Only what waits holds the process.
port1.unref()

/**
 * Calls `body` as an event of its own, soon. Not `setImmediate`: where an interrupt ends one immediate, others that are due
 * with it may be lost.
 */
export function later(body: () => void): void {
  if (waiting.push(body) === 1) port1.ref()
  port2.postMessage(undefined)
}
