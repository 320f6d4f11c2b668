import { isSharedMemory } from "./shared.ts"

/** Typed arrays, DataView and Buffer: their names on the wire, and their bytes in and out of blobs. */

export type BinaryView = NodeJS.ArrayBufferView

type ViewConstructor = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => BinaryView

/** Order is part of the wire format: append only. */
const constructors: readonly ViewConstructor[] = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
]

/** Type number of a Node Buffer: a Uint8Array with another prototype. */
const bufferType = constructors.length

const typeByTag = new Map<string, number>(constructors.map((kind, type) => [kind.name, type]))

const tagOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get

/** Number of the view's type on the wire; a subclass counts as what it extends. */
export function viewType(view: BinaryView): number {
  if (Buffer.isBuffer(view)) return bufferType
  const tag: unknown = tagOf?.call(view)
  return typeByTag.get(typeof tag === "string" ? tag : "DataView") ?? constructors.indexOf(DataView)
}

/** The prototype that a view of this type has when nobody changed it. */
export function viewPrototype(type: number): object | undefined {
  return type === bufferType ? Buffer.prototype : (constructors[type]?.prototype as object | undefined)
}

/** @throws RangeError for an unknown type or a range outside of the buffer. */
export function makeView(
  type: number,
  buffer: ArrayBufferLike,
  byteOffset: number,
  byteLength: number,
): BinaryView {
  if (type === bufferType) return Buffer.from(buffer, byteOffset, byteLength)
  const View = constructors[type]
  if (View === undefined) throw new RangeError(`Unknown kind of binary view: ${type}`)
  const elementBytes = (View as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  return new View(buffer, byteOffset, byteLength / elementBytes)
}

export function bytesOf(view: BinaryView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

/** The bytes as a buffer of their own: without a copy where they fill theirs, or share it. */
export function ownBuffer(bytes: Uint8Array): ArrayBufferLike {
  const { buffer, byteOffset, byteLength } = bytes
  if (isSharedMemory(buffer)) return buffer
  if (byteOffset === 0 && byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) return buffer
  return new Uint8Array(bytes).buffer
}
