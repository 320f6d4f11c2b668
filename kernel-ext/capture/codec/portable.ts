import type { Encoded } from "../types.ts"
import type { Graph, Node, Slot } from "./nodes.ts"
import { blobMinBytes } from "./raw.ts"

/**
 * Node lists in a binary form of our own, for results of workers that are not trusted: reading it runs no code, and
 * costs no more memory than the message has bytes, within limits. V8's deserializer promises neither.
 *
 *     frame  = magic, value             the value is [nodes, roots]
 *     value  = tag, then what the tag says; counts and lengths are varints, little-endian base 128
 */

const magic = 0xce

const Tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** Whole number of 0 and more: varint. */
  integer: 4,
  /** float64, little-endian. */
  number: 5,
  /** Sign byte, then hexadecimal digits as text. */
  bigint: 6,
  /** Length in bytes, UTF-16LE: lone surrogates stay what they are. */
  text: 7,
  /** Length, Latin-1. */
  latin: 8,
  list: 9,
  bytes: 10,
  /** Number of the blob. */
  blob: 11,
} as const

/** What a frame may hold at most. */
export interface PortableLimits {
  readonly maxBytes: number
  /** Lists within lists; graphs need seven. */
  readonly maxDepth: number
  /** Values in all. */
  readonly maxValues: number
}

export const defaultLimits: PortableLimits = { maxBytes: 2 ** 31, maxDepth: 12, maxValues: 50_000_000 }

export function isPortable(bytes: Uint8Array): boolean {
  return bytes[0] === magic
}

export function writePortable({ nodes, roots }: Graph): Encoded {
  const writer = new Writer()
  writer.byte(magic)
  writer.value([nodes, roots])
  return { bytes: writer.finish(), blobs: writer.blobs }
}

/** @throws RangeError or TypeError for anything that `writePortable` cannot have written. */
export function readPortable({ bytes, blobs }: Encoded, limits: PortableLimits = defaultLimits): Graph {
  const total = blobs.reduce((sum, blob) => sum + blob.byteLength, bytes.byteLength)
  if (total > limits.maxBytes)
    throw new RangeError(`A message of ${total} bytes; ${limits.maxBytes} are taken`)
  if (!isPortable(bytes)) throw new TypeError("The message is not in the portable form")
  const reader = new Reader(bytes, blobs, limits)
  const value = reader.value(0)
  reader.end()
  if (!Array.isArray(value) || value.length !== 2) throw new TypeError("The message is no graph")
  const [nodes, roots] = value as unknown[]
  if (!Array.isArray(nodes) || !Array.isArray(roots)) throw new TypeError("The message is no graph")
  if (!nodes.every((node) => Array.isArray(node) && typeof node[0] === "number")) {
    throw new TypeError("The message has something that is no node")
  }
  return { nodes: nodes as Node[], roots: roots as Slot[], shared: [] }
}

class Writer {
  readonly blobs: Uint8Array[] = []
  #buffer = Buffer.allocUnsafe(1024)
  #length = 0

  finish(): Uint8Array {
    return new Uint8Array(this.#buffer.subarray(0, this.#length))
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "undefined":
        this.byte(Tag.undefined)
        return
      case "boolean":
        this.byte(value ? Tag.true : Tag.false)
        return
      case "number":
        this.#number(value)
        return
      case "bigint":
        this.byte(Tag.bigint)
        this.byte(value < 0n ? 1 : 0)
        this.#text((value < 0n ? -value : value).toString(16), "latin1")
        return
      case "string":
        this.#string(value)
        return
    }
    if (value === null) this.byte(Tag.null)
    else if (Array.isArray(value)) {
      this.byte(Tag.list)
      this.#varint(value.length)
      for (let index = 0; index < value.length; index++) this.value(value[index])
    } else if (value instanceof Uint8Array) this.#bytes(value)
    else throw new TypeError(`The portable form has no ${typeof value}`)
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)) {
      this.byte(Tag.integer)
      this.#varint(value)
      return
    }
    this.byte(Tag.number)
    this.#reserve(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
  }

  #string(value: string): void {
    const isLatin = !/[^\0-\xff]/.test(value)
    this.byte(isLatin ? Tag.latin : Tag.text)
    this.#text(value, isLatin ? "latin1" : "utf16le")
  }

  #text(value: string, encoding: "latin1" | "utf16le"): void {
    const size = encoding === "latin1" ? value.length : value.length * 2
    this.#varint(size)
    this.#reserve(size)
    this.#length += this.#buffer.write(value, this.#length, encoding)
  }

  #bytes(value: Uint8Array): void {
    if (value.byteLength >= blobMinBytes) {
      this.byte(Tag.blob)
      this.#varint(this.blobs.push(value.slice()) - 1)
      return
    }
    this.byte(Tag.bytes)
    this.#varint(value.byteLength)
    this.#reserve(value.byteLength)
    this.#buffer.set(value, this.#length)
    this.#length += value.byteLength
  }

  #varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + size))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

class Reader {
  readonly #bytes: Buffer
  readonly #blobs: readonly Uint8Array[]
  readonly #limits: PortableLimits
  #at = 1
  #values = 0

  constructor(bytes: Uint8Array, blobs: readonly Uint8Array[], limits: PortableLimits) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#blobs = blobs
    this.#limits = limits
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw new RangeError("The message is longer than what it holds")
  }

  value(depth: number): unknown {
    if (depth > this.#limits.maxDepth) throw new RangeError("The message is nested too deeply")
    if (++this.#values > this.#limits.maxValues) throw new RangeError("The message has too many values")
    const tag = this.#byte()
    switch (tag) {
      case Tag.undefined:
        return undefined
      case Tag.null:
        return null
      case Tag.false:
        return false
      case Tag.true:
        return true
      case Tag.integer:
        return this.#varint()
      case Tag.number:
        return this.#take(8).readDoubleLE(0)
      case Tag.bigint:
        return this.#bigint()
      case Tag.text:
        return this.#take(this.#varint()).toString("utf16le")
      case Tag.latin:
        return this.#take(this.#varint()).toString("latin1")
      case Tag.list:
        return this.#list(depth)
      case Tag.bytes:
        return new Uint8Array(this.#take(this.#varint()))
      case Tag.blob:
        return this.#blob(this.#varint())
      default:
        throw new TypeError(`The message has an unknown tag: ${tag}`)
    }
  }

  #list(depth: number): unknown[] {
    const length = this.#varint()
    // Each element takes a byte at least: a length that is a lie costs nothing.
    if (length > this.#bytes.length - this.#at) throw new RangeError("A list is longer than the message")
    const items: unknown[] = []
    for (let index = 0; index < length; index++) items.push(this.value(depth + 1))
    return items
  }

  #bigint(): bigint {
    const isNegative = this.#byte() === 1
    const digits = this.#take(this.#varint()).toString("latin1")
    if (!/^[0-9a-f]+$/.test(digits)) throw new TypeError("A number has digits that are none")
    const size = BigInt(`0x${digits}`)
    return isNegative ? -size : size
  }

  #blob(index: number): Uint8Array {
    const blob = this.#blobs[index]
    if (blob === undefined) throw new RangeError(`Blob ${index} of ${this.#blobs.length} is missing`)
    return blob
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError("The message ends too early")
    return byte
  }

  #varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 53; factor *= 0x80) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw new RangeError("A number in the message is too large")
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError("The message ends too early")
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }
}
