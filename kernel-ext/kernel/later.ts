import { MessageChannel } from "node:worker_threads"
import { outsideCells } from "./current-cell.ts"

const { port1, port2 } = new MessageChannel()
const waiting: (() => void)[] = []

port1.on("message", () => {
  const body = waiting.shift()
  if (body !== undefined) outsideCells(body)
})

/**
 * Calls `body` as an event of its own, soon. Not `setImmediate`: where an interrupt ends one immediate, others that are due
 * with it may be lost.
 */
export function later(body: () => void): void {
  waiting.push(body)
  port2.postMessage(undefined)
}
