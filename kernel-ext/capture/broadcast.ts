import { sha256 } from "../util/sha256.ts"
import { CleanScan } from "./codec/clean.ts"
import { markImmutable, serializeRaw } from "./codec/raw.ts"
import type { Broadcast, Encoded } from "./types.ts"

/**
 * Says that a large value will not change any more. It is encoded and hashed once, however many functions refer to it
 * and however often they are mapped; workers hold one copy of it for all of them.
 *
 * @returns the value itself. A change made to it later does not reach the workers.
 *
 * @example
 * ```ts
 * const prices = broadcast(new Float64Array(6_250_000))
 * await fexec.map((row: number) => prices[row] * 2, rows)
 * ```
 */
export function broadcast<T extends object>(value: T): T {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) {
    throw new TypeError(
      `broadcast takes an object, such as a typed array, a Map or an array; got ${typeof value}`,
    )
  }
  const scan = new CleanScan({ apart: false })
  // Functions and instances of classes belong to the function that refers to them, and travel with it.
  if (!sent.has(value) && scan.check(value)) {
    const encoded = serializeRaw(0, value, scan.buffers)
    for (const blob of encoded.blobs) markImmutable(blob)
    sent.set(value, { encoded, hash: hashOf(encoded) })
  }
  return value
}

const sent = new WeakMap<object, Broadcast>()

export function broadcastOf(value: object): Broadcast | undefined {
  return sent.get(value)
}

function hashOf({ bytes, blobs }: Encoded): string {
  const hash = sha256().update(bytes)
  for (const blob of blobs) hash.update(blob)
  return hash.digest("hex").slice(0, 32)
}
