import { type AnswerBlock, parseEnd, type Said } from "../protocol/invocation.ts"
import { type Failure, type FromWorker, parseFromWorker } from "../protocol/worker.ts"

/**
 * Answers of workers that are not trusted, in bytes: JSON for what has structure, raw bytes for what is binary. Reading one
 * runs no code and takes no more memory than it is long.
 *
 *     u32 length of what follows │ u32 JSON length │ JSON │ parts, raw
 *
 * The JSON is { environment, said: [{ message, parts: [length, …] }], end }. Errors that tasks threw are binary: they stand behind their
 * message's own parts, and in its failures there is the number of their blobs.
 */

const lengthBytes = 4

export function encodeBlock({ environment, said, end }: AnswerBlock): Uint8Array {
  const parts: Uint8Array[] = []
  const written = said.map((one) => {
    const own = [...one.parts]
    const message = one.message.type === "report" ? withoutErrors(one.message, own) : one.message
    parts.push(...own)
    return { message, parts: own.map((part) => part.byteLength) }
  })
  const json = Buffer.from(JSON.stringify({ environment, said: written, end }))
  const lengths = Buffer.allocUnsafe(2 * lengthBytes)
  const sizes = parts.reduce((sum, part) => sum + part.byteLength, 0)
  lengths.writeUInt32LE(lengthBytes + json.length + sizes, 0)
  lengths.writeUInt32LE(json.length, lengthBytes)
  return Buffer.concat([lengths, json, ...parts])
}

/** Puts blocks together from chunks as they arrive. */
export class BlockReader {
  readonly #onBlock: (block: AnswerBlock) => void
  readonly #maxBytes: number
  #pending: Buffer[] = []
  #pendingBytes = 0

  /** @param maxBytes No block may be longer. */
  constructor(maxBytes: number, onBlock: (block: AnswerBlock) => void) {
    this.#maxBytes = maxBytes
    this.#onBlock = onBlock
  }

  /** Whether a block has begun and not ended. */
  get isWithin(): boolean {
    return this.#pendingBytes > 0
  }

  push(chunk: Uint8Array): void {
    this.#pending.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    this.#pendingBytes += chunk.byteLength
    for (;;) {
      const length = this.#nextLength()
      if (length === undefined || this.#pendingBytes < lengthBytes + length) return
      const whole = this.#joined()
      this.#pending = [whole.subarray(lengthBytes + length)]
      this.#pendingBytes -= lengthBytes + length
      this.#onBlock(decodeBlock(whole.subarray(lengthBytes, lengthBytes + length)))
    }
  }

  #nextLength(): number | undefined {
    if (this.#pendingBytes < lengthBytes) return undefined
    const first = this.#pending[0]
    const head = first !== undefined && first.length >= lengthBytes ? first : this.#joined()
    const length = head.readUInt32LE(0)
    if (length < lengthBytes || length > this.#maxBytes)
      throw new RangeError(`a part of an answer of ${length} bytes`)
    return length
  }

  #joined(): Buffer {
    const whole = this.#pending.length === 1 ? this.#pending[0] : undefined
    if (whole !== undefined) return whole
    const joined = Buffer.concat(this.#pending)
    this.#pending = [joined]
    return joined
  }
}

function decodeBlock(bytes: Buffer): AnswerBlock {
  const jsonLength = bytes.readUInt32LE(0)
  if (lengthBytes + jsonLength > bytes.length) throw new RangeError("a part of an answer that is cut off")
  const head = JSON.parse(bytes.toString("utf8", lengthBytes, lengthBytes + jsonLength))
  let at = lengthBytes + jsonLength
  const take = (length: unknown): Uint8Array => {
    if (!Number.isInteger(length) || (length as number) < 0 || at + (length as number) > bytes.length)
      throw new RangeError("a part of an answer that names more bytes than it has")
    // Memory of its own: typed arrays over it need the alignment.
    const part = new Uint8Array(bytes.subarray(at, at + (length as number)))
    at += length as number
    return part
  }
  const { environment } = head ?? {}
  if (typeof environment !== "string" || !Array.isArray(head.said))
    throw new TypeError("a part of an answer without messages")
  const said = head.said.map((one: { message?: unknown; parts?: unknown }): Said => {
    if (!Array.isArray(one?.parts)) throw new TypeError("a message without parts")
    const parts = one.parts.map(take)
    const message = parseFromWorker(withErrors(one.message, parts))
    if (message === undefined) throw new TypeError("an unknown message")
    return { message, parts }
  })
  if (head.end === undefined) return { environment, said }
  const end = parseEnd(head.end)
  if (end === undefined) throw new TypeError("an unknown end of an answer")
  return { environment, said, end }
}

type Report = Extract<FromWorker, { type: "report" }>

/** A failure whose error stands among the message's parts. */
type WrittenFailure = Omit<Failure, "error"> & { readonly blobs?: number | undefined }

function withoutErrors(report: Report, parts: Uint8Array[]): unknown {
  const failures = report.failures.map(({ error, ...failure }): WrittenFailure => {
    if (error === undefined) return failure
    parts.push(error.bytes, ...error.blobs)
    return { ...failure, blobs: error.blobs.length }
  })
  return { ...report, failures }
}

/** The message as it was before `withoutErrors`; takes the errors' bytes off the end of `parts`. */
function withErrors(message: unknown, parts: Uint8Array[]): unknown {
  const report = message as { type?: unknown; failures?: unknown } | null
  if (report?.type !== "report" || !Array.isArray(report.failures)) return message
  const counts = (report.failures as WrittenFailure[]).map(({ blobs }) =>
    blobs === undefined ? 0 : 1 + blobs,
  )
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (!Number.isInteger(total) || total > parts.length || counts.some((count) => count < 0))
    throw new RangeError("failures without their errors")
  const errors = parts.splice(parts.length - total)
  const failures = (report.failures as WrittenFailure[]).map(({ blobs, ...failure }) => {
    if (blobs === undefined) return { ...failure, error: undefined }
    const [bytes, ...own] = errors.splice(0, 1 + blobs)
    return { ...failure, error: { bytes, blobs: own } }
  })
  return { ...report, failures }
}
