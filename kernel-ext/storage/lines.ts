import type { ReadRange } from "./source.ts"

/** Lines that are cut nowhere: each belongs to the partition that its first byte stands in. */

interface Span {
  readonly start: number
  readonly end: number
  /** Of the whole object. */
  readonly size: number
  readonly newline: string
}

/** The last line of a partition often ends a little behind it: so much is asked for along with it. */
const leastAhead = 1024
const mostAhead = 64 * 1024

/**
 * The lines that begin from `start` on and before `end`, with their ends, as bytes.
 *
 * What stands before the first of them is skipped, and the last is read to its end, in requests that double in size.
 */
export async function* wholeLines(
  read: ReadRange,
  { start, end, size, newline }: Span,
): AsyncGenerator<Uint8Array> {
  const mark = Buffer.from(newline)
  // A line begins at `start` exactly if a line end stands right before it.
  const from = start === 0 ? 0 : Math.max(0, start - mark.length)
  let ahead = Math.min(mostAhead, Math.max(leastAhead, Math.ceil((end - start) / 16)))
  const cutter = new Cutter(mark, from, start, end)
  let to = Math.min(size, end + ahead)
  for (let at = from; at < size && !cutter.isDone; ) {
    for await (const chunk of read(at, to)) {
      yield* cutter.push(chunk)
      if (cutter.isDone) break
    }
    at = to
    ahead *= 2
    to = Math.min(size, to + ahead)
  }
  yield* cutter.finish()
}

/** Passes on what lies between the first line's beginning and the last one's end. */
class Cutter {
  isDone = false
  readonly #mark: Buffer
  readonly #end: number
  /** Whether the first line has been found. */
  #isWithin: boolean
  /** Bytes that may be the beginning of a line end, and where they stand. */
  #held: Buffer = Buffer.alloc(0)
  #heldAt: number

  constructor(mark: Buffer, from: number, start: number, end: number) {
    this.#mark = mark
    this.#heldAt = from
    this.#end = end
    this.#isWithin = start === 0
  }

  *push(chunk: Uint8Array): Generator<Uint8Array> {
    if (this.isDone) return
    let data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#held.length > 0) data = Buffer.concat([this.#held, data])
    let at = this.#heldAt
    if (!this.#isWithin) {
      const found = data.indexOf(this.#mark)
      const skipped = found < 0 ? Math.max(0, data.length - this.#mark.length + 1) : found + this.#mark.length
      data = data.subarray(skipped)
      at += skipped
      if (found >= 0) this.#begin(at)
      // Whichever line end comes now, a later partition's line begins behind it.
      else this.isDone = at + this.#mark.length >= this.#end
    }
    if (this.#isWithin && !this.isDone) yield* this.#pass(data, at)
    else this.#hold(data, at)
  }

  *finish(): Generator<Uint8Array> {
    if (!this.isDone && this.#isWithin && this.#held.length > 0) yield this.#held
    this.isDone = true
  }

  /** The first line begins at `at`, which may be in a later partition. */
  #begin(at: number): void {
    this.#isWithin = true
    if (at >= this.#end) this.isDone = true
  }

  *#pass(data: Buffer, at: number): Generator<Uint8Array> {
    // The first line end that ends at `end` or behind it ends the last line.
    const search = Math.max(0, this.#end - this.#mark.length - at)
    const found = search > data.length ? -1 : data.indexOf(this.#mark, search)
    if (found >= 0) {
      this.isDone = true
      yield data.subarray(0, found + this.#mark.length)
      return
    }
    const kept = Math.min(data.length, this.#mark.length - 1)
    const passed = data.length - kept
    if (passed > 0) yield data.subarray(0, passed)
    this.#hold(data.subarray(passed), at + passed)
  }

  #hold(data: Buffer, at: number): void {
    this.#held = data
    this.#heldAt = at
  }
}

/**
 * Bytes → lines without their ends. At "\n" a "\r" before it belongs to the end, unless `newline` says what an end is and
 * is something else.
 */
export async function* splitLines(
  stream: AsyncIterable<Uint8Array>,
  newline: string | undefined,
): AsyncGenerator<string> {
  const mark = Buffer.from(newline ?? "\n")
  const dropsReturn = mark.length === 1 && mark[0] === 10
  const textOf = (line: Buffer): string => {
    const text = line.toString("utf8")
    return dropsReturn && text.endsWith("\r") ? text.slice(0, -1) : text
  }
  let rest: Buffer[] = []
  let restLength = 0
  // Of what is kept, only this can belong to a line end: a line of many chunks is neither searched nor copied again and again.
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of stream) {
    let data: Buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (held.length > 0) data = Buffer.concat([held, data])
    let at = 0
    for (let found = data.indexOf(mark); found >= 0; found = data.indexOf(mark, at)) {
      const line = data.subarray(at, found)
      yield textOf(restLength === 0 ? line : Buffer.concat([...rest, line]))
      rest = []
      restLength = 0
      at = found + mark.length
    }
    const kept = Math.max(at, data.length - mark.length + 1)
    held = data.subarray(kept)
    if (kept === at) continue
    rest.push(data.subarray(at, kept))
    restLength += kept - at
  }
  if (restLength + held.length > 0) yield textOf(Buffer.concat([...rest, held]))
}
