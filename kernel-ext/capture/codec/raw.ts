import { Deserializer, Serializer } from "node:v8"
import type { Encoded } from "../types.ts"
import { isSharedMemory, viewOfShared } from "./shared.ts"
import { type BinaryView, bytesOf, makeView, ownBuffer, viewType } from "./views.ts"

/**
 * V8's own serialization with large binary parts beside it. For clean data and for data of our own making only: it
 * loses what structured clone loses, and it must not read what an untrusted worker wrote.
 */

/** From this size on bytes travel as a blob. Below, a blob costs more than copying. */
export const blobMinBytes = 4096

/** Longest part of a message: what a 32-bit length can say, and what every version of Node takes as one Buffer. */
export const maxPartBytes = 2 ** 31 - 1

/** Where views over a much larger buffer stand, only their own bytes travel. */
const slackFactor = 2

// Node declares these two only in its own sources.
interface HostObjects {
  _setTreatArrayBufferViewsAsHostObjects(on: boolean): void
}

const immutable = new WeakSet<ArrayBufferLike>()

/** Bytes of ours that nobody writes to: they go as they are. */
export function markImmutable(bytes: Uint8Array): void {
  immutable.add(bytes.buffer)
}

export interface BlobOptions {
  /** Blobs of the last time: where nothing changed they are given again, themselves. */
  readonly previous?: readonly Uint8Array[]
  /** False: blobs are the value's own memory, which nobody writes to before they have left. */
  readonly copies?: boolean
  /** False: memory that stands in two places becomes two blobs, since those places are to be apart. */
  readonly joins?: boolean
}

class BlobSerializer extends Serializer {
  readonly blobs: Uint8Array[] = []
  readonly #indexByBuffer = new Map<ArrayBufferLike, number>()
  readonly #previous: readonly Uint8Array[]
  readonly #copies: boolean
  readonly #joins: boolean

  constructor({ previous = [], copies = true, joins = true }: BlobOptions) {
    super()
    this.#previous = previous
    this.#copies = copies
    this.#joins = joins
  }

  _writeHostObject(view: BinaryView): void {
    if (isDetached(view.buffer)) throw new RangeError("memory that was moved away")
    this.writeUint32(viewType(view))
    this.writeUint32(view.byteLength)
    if (view.byteLength < blobMinBytes && !isSharedMemory(view.buffer)) {
      this.writeUint32(0)
      this.writeRawBytes(bytesOf(view))
      return
    }
    const whole = isSharedMemory(view.buffer) || view.buffer.byteLength <= view.byteLength * slackFactor
    this.writeUint32(1 + (whole ? this.#wholeBuffer(view.buffer) : this.#add(bytesOf(view))))
    this.writeUint32(whole ? view.byteOffset : 0)
  }

  _getDataCloneError = Error

  #wholeBuffer(buffer: ArrayBufferLike): number {
    const known = this.#joins ? this.#indexByBuffer.get(buffer) : undefined
    if (known !== undefined) return known
    const index = isSharedMemory(buffer)
      ? this.blobs.push(viewOfShared(buffer)) - 1
      : this.#add(new Uint8Array(buffer))
    this.#indexByBuffer.set(buffer, index)
    return index
  }

  /** Copies: whoever holds the array may write to it before the bytes have left, and a retry must send the same. */
  #add(bytes: Uint8Array): number {
    if (bytes.byteLength > maxPartBytes) {
      const gigabytes = (bytes.byteLength / 2 ** 30).toFixed(1)
      throw new RangeError(`a binary value of ${gigabytes} GiB; 2 GiB are taken`)
    }
    if (!this.#copies || immutable.has(bytes.buffer)) return this.blobs.push(bytes) - 1
    const earlier = this.#previous[this.blobs.length]
    const same =
      earlier !== undefined && earlier.length === bytes.length && Buffer.compare(earlier, bytes) === 0
    return this.blobs.push(same ? earlier : bytes.slice()) - 1
  }

  /** Large ArrayBuffers that stand for themselves go by number, as V8 lets transferred ones. */
  transferLarge(buffers: Iterable<ArrayBuffer>): void {
    for (const buffer of buffers) this.transferArrayBuffer(this.#wholeBuffer(buffer), buffer)
  }
}

/** @param buffers every ArrayBuffer of at least `blobMinBytes` that stands in the value outside of a view */
export function serializeRaw(
  tag: number,
  value: unknown,
  buffers: Iterable<ArrayBuffer> = [],
  options: BlobOptions = {},
): Encoded {
  const serializer = new BlobSerializer(options)
  ;(serializer as unknown as HostObjects)._setTreatArrayBufferViewsAsHostObjects(true)
  serializer.writeHeader()
  serializer.writeUint32(tag)
  serializer.transferLarge(buffers)
  serializer.writeValue(value)
  const bytes = serializer.releaseBuffer()
  if (bytes.byteLength > maxPartBytes) throw new RangeError(`${bytes.byteLength} bytes; 2 GiB are taken`)
  return { bytes, blobs: serializer.blobs }
}

class BlobDeserializer extends Deserializer {
  readonly #buffers: ArrayBufferLike[]

  constructor(bytes: Uint8Array, buffers: ArrayBufferLike[]) {
    super(bytes)
    this.#buffers = buffers
  }

  _readHostObject(): BinaryView {
    const type = this.readUint32()
    const byteLength = this.readUint32()
    const blob = this.readUint32()
    if (blob === 0) return makeView(type, new Uint8Array(this.readRawBytes(byteLength)).buffer, 0, byteLength)
    const buffer = this.#buffers[blob - 1]
    if (buffer === undefined) throw new RangeError(`Blob ${blob - 1} of ${this.#buffers.length} is missing`)
    return makeView(type, buffer, this.readUint32(), byteLength)
  }
}

/** Memory that has gone to another thread reads as empty, which it was not. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength > 0 || isSharedMemory(buffer)) return false
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}

export function deserializeRaw(encoded: Encoded): { tag: number; value: unknown } {
  const buffers = encoded.blobs.map(ownBuffer)
  const deserializer = new BlobDeserializer(encoded.bytes, buffers)
  deserializer.readHeader()
  const tag = deserializer.readUint32()
  buffers.forEach((buffer, index) => {
    // Shared ones are taken as well, which Node's types do not say.
    deserializer.transferArrayBuffer(index, buffer as ArrayBuffer)
  })
  return { tag, value: deserializer.readValue() }
}
