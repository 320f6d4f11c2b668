import { decodeHead, encodeHead } from "./heads.ts"

/**
 * Messages on a byte stream between two processes of this machine.
 *
 *     u32 mark │ u32 head length │ u32 number of parts │ u32 length of each part │ head (heads.ts) │ parts, raw
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
  const headBytes = encodeHead(head)
  const leadBytes = fixedBytes + 4 * parts.length
  let total = leadBytes + headBytes.length
  for (const part of parts) total += part.byteLength
  const isSmall = total < joinBelowBytes
  const lead = Buffer.allocUnsafe(isSmall ? total : leadBytes)
  lead.writeUInt32LE(mark, 0)
  lead.writeUInt32LE(headBytes.length, 4)
  lead.writeUInt32LE(parts.length, 8)
  let at = fixedBytes
  for (const part of parts) at = lead.writeUInt32LE(part.byteLength, at)
  if (!isSmall) return [lead, headBytes, ...parts]
  lead.set(headBytes, at)
  at += headBytes.length
  for (const part of parts) {
    lead.set(part, at)
    at += part.byteLength
  }
  return [lead]
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
    const isBetween = this.#expecting === "fixed" && this.#filled === 0
    let at = isBetween ? this.#readWhole(chunk) : 0
    if (isBetween && at === chunk.length) return
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

  /** Small frames mostly come whole. Reads those that do, with which the chunk begins; returns where they end. */
  #readWhole(chunk: Uint8Array): number {
    let begin = 0
    while (chunk.length - begin >= fixedBytes) {
      const view = new DataView(chunk.buffer, chunk.byteOffset + begin, chunk.length - begin)
      const { headLength, partCount } = fixedOf(view)
      const headAt = fixedBytes + 4 * partCount
      let end = headAt + headLength
      if (end > view.byteLength) return begin
      for (let i = 0; i < partCount; i++) end += view.getUint32(fixedBytes + 4 * i, true)
      if (end > view.byteLength) return begin
      const head = decodeHead(chunk.subarray(begin + headAt, begin + headAt + headLength))
      const parts: Uint8Array[] = []
      let at = begin + headAt + headLength
      for (let i = 0; i < partCount; i++) {
        const part = Buffer.allocUnsafeSlow(view.getUint32(fixedBytes + 4 * i, true))
        part.set(chunk.subarray(at, at + part.length))
        parts.push(part)
        at += part.length
      }
      begin += end
      this.#onFrame(head, parts)
    }
    return begin
  }

  #advance(full: Uint8Array): void {
    if (this.#expecting === "fixed") {
      const { headLength, partCount } = fixedOf(new DataView(full.buffer, full.byteOffset))
      this.#headLength = headLength
      this.#lengths = new Array(partCount)
      this.#expect("head", this.#headLength + 4 * this.#lengths.length)
    } else if (this.#expecting === "head") {
      const view = new DataView(full.buffer, full.byteOffset)
      for (let i = 0; i < this.#lengths.length; i++) this.#lengths[i] = view.getUint32(4 * i, true)
      this.#head = decodeHead(full.subarray(4 * this.#lengths.length))
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

function fixedOf(view: DataView): { headLength: number; partCount: number } {
  const partCount = view.getUint32(8, true)
  if (view.getUint32(0, true) !== mark || partCount > maxParts)
    throw new RangeError("no beginning of a frame")
  return { headLength: view.getUint32(4, true), partCount }
}
