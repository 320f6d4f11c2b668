import { types } from "node:util"
import { broadcastOf } from "../capture/broadcast.ts"
import { type BinaryView, makeView, viewPrototype, viewType } from "../capture/codec/views.ts"

/**
 * Inputs that are binary memory are copied when they are read, since many who give them fill one buffer again and again.
 * Bounded: of an array up to this much in all, of an iterable up to this much ahead of the workers.
 */
export const maxCopiedBytes = 64 * 1024 * 1024

/** Copies of the inputs that are binary; the list itself is always a new one. */
export function withCopies(inputs: readonly unknown[]): unknown[] {
  let total = 0
  for (const input of inputs) total += copyableBytes(input)
  return total === 0 || total > maxCopiedBytes ? inputs.slice() : inputs.map(copied)
}

export function copied(input: unknown): unknown {
  if (copyableBytes(input) === 0) return input
  if (!ArrayBuffer.isView(input)) return (input as ArrayBuffer).slice(0)
  const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength).slice()
  return makeView(viewType(input as BinaryView), bytes.buffer, 0, bytes.byteLength)
}

/** 0 for what is no binary memory, or is to be shared, or will not change. */
export function copyableBytes(input: unknown): number {
  if (typeof input !== "object" || input === null) return 0
  if (types.isArrayBuffer(input)) return input.byteLength
  if (!ArrayBuffer.isView(input) || types.isSharedArrayBuffer(input.buffer)) return 0
  const isSubclass = Object.getPrototypeOf(input) !== viewPrototype(viewType(input as BinaryView))
  return isSubclass || broadcastOf(input) !== undefined ? 0 : input.byteLength
}
