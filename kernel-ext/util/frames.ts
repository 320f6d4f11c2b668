import { deserialize, serialize } from "node:v8"

/**
 * Messages on a byte stream between two processes of this machine.
 *
 *     u32 mark │ u32 head length │ u32 number of parts │ u32 length of each part │ head (V8 serialization) │ parts, raw
 *
 * The head is small and structured; parts are binary and are neither copied nor looked at on the way out.
 */

const fixedBytes = 12

/** Begins each frame: what does not begin so was not written by us. */
const mark = 0xce11fa40

/** More parts than any message has. */
const maxParts = 1 << 24

/** A small frame costs one copy and is one write; the parts of a large one are written from where they are. */
const joinBelowBytes = 64 * 1024

/** The buffers that make up one frame, in order. */
export function encodeFrame(head: unknown, parts: readonly Uint8Array[]): Uint8Array[] {
  const headBytes = serialize(head)
  const lead = Buffer.allocUnsafe(fixedBytes + 4 * parts.length)
  lead.writeUInt32LE(mark, 0)
  lead.writeUInt32LE(headBytes.length, 4)
  lead.writeUInt32LE(parts.length, 8)
  let total = lead.length + headBytes.length
  for (let i = 0; i < parts.length; i++) {
    const length = parts[i]?.byteLength ?? 0
    lead.writeUInt32LE(length, fixedBytes + 4 * i)
    total += length
  }
  const buffers = [lead, headBytes, ...parts]
  return total < joinBelowBytes ? [Buffer.concat(buffers, total)] : buffers
}

/** A part that lacks at least this much is read into its own memory; all else through a buffer that is used again. */
const directFromBytes = 64 * 1024

const nothing = new Uint8Array(0)

type Expecting = "fixed" | "head" | "part"

/** Puts frames together from chunks as they arrive. Each part gets memory of its own, so that values may be views of it. */
export class FrameReader {
  readonly #onFrame: (head: unknown, parts: Uint8Array[]) => void
  #expecting: Expecting = "fixed"
  #target: Uint8Array = Buffer.allocUnsafe(fixedBytes)
  #filled = 0
  #headLength = 0
  #lengths: number[] = []
  #head: unknown
  #parts: Uint8Array[] = []
  #scratch: Uint8Array | undefined
  #direct = false

  constructor(onFrame: (head: unknown, parts: Uint8Array[]) => void) {
    this.#onFrame = onFrame
  }

  /** Where the next bytes are to be read to; then say with `filled` how many they were. */
  space(): Uint8Array {
    this.#direct = this.#expecting === "part" && this.#target.length - this.#filled >= directFromBytes
    if (this.#direct) return this.#target.subarray(this.#filled)
    this.#scratch ??= Buffer.allocUnsafeSlow(directFromBytes)
    return this.#scratch
  }

  filled(count: number): void {
    if (!this.#direct) {
      this.push((this.#scratch as Uint8Array).subarray(0, count))
      return
    }
    this.#filled += count
    if (this.#filled === this.#target.length) this.push(nothing)
  }

  push(chunk: Uint8Array): void {
    let at = 0
    for (;;) {
      const target = this.#target
      const take = Math.min(target.length - this.#filled, chunk.length - at)
      target.set(chunk.subarray(at, at + take), this.#filled)
      this.#filled += take
      at += take
      if (this.#filled < target.length) return
      this.#advance(target)
      if (at === chunk.length && this.#target.length > 0) return
    }
  }

  #advance(full: Uint8Array): void {
    if (this.#expecting === "fixed") {
      const view = new DataView(full.buffer, full.byteOffset)
      const partCount = view.getUint32(8, true)
      if (view.getUint32(0, true) !== mark || partCount > maxParts)
        throw new RangeError("no beginning of a frame")
      this.#headLength = view.getUint32(4, true)
      this.#lengths = new Array(partCount)
      this.#expect("head", this.#headLength + 4 * this.#lengths.length)
    } else if (this.#expecting === "head") {
      const view = new DataView(full.buffer, full.byteOffset)
      for (let i = 0; i < this.#lengths.length; i++) this.#lengths[i] = view.getUint32(4 * i, true)
      this.#head = deserialize(full.subarray(4 * this.#lengths.length))
      this.#parts = []
      this.#nextPart()
    } else {
      this.#parts.push(full)
      this.#nextPart()
    }
  }

  #nextPart(): void {
    const length = this.#lengths[this.#parts.length]
    if (length !== undefined) {
      this.#expect("part", length)
      return
    }
    const [head, parts] = [this.#head, this.#parts]
    this.#head = undefined
    this.#parts = []
    this.#expect("fixed", fixedBytes)
    this.#onFrame(head, parts)
  }

  #expect(what: Expecting, length: number): void {
    this.#expecting = what
    this.#filled = 0
    // Parts begin at the start of their own memory: typed arrays over them need the alignment.
    this.#target = what === "part" ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length)
  }
}
