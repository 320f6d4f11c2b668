import { deserializeRaw } from "../codec/raw.ts"
import type { Encoded } from "../types.ts"

/** Broadcast values of this process, by hash: all functions that refer to one see the same. */
const received = new Map<string, { encoded: Encoded } | { value: object }>()

/** Takes in a value, which is decoded when a function that refers to it is loaded. */
export function keepBroadcast(hash: string, encoded: Encoded): void {
  if (!received.has(hash)) received.set(hash, { encoded })
}

/** No function refers to it any more. */
export function dropBroadcast(hash: string): void {
  received.delete(hash)
}

export function broadcastValue(hash: string): object {
  const entry = received.get(hash)
  if (entry === undefined) throw new RangeError(`The broadcast value ${hash} did not reach this worker`)
  if ("value" in entry) return entry.value
  const value = openBroadcast(entry.encoded)
  received.set(hash, { value })
  return value
}

export function openBroadcast(encoded: Encoded): object {
  return deserializeRaw(encoded).value as object
}
