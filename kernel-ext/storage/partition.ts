import type { ObjectPartition, StorageCall } from "../protocol/storage.ts"
import { letTravel } from "../util/own.ts"

/** Where the bytes of a partition are: all that a worker needs to know to read them. */
export type Source =
  | {
      readonly kind: "object"
      readonly backend: string
      /** Which of several storages with this backend. */
      readonly storage: string
      readonly bucket: string
      readonly key: string
      /** Of the content that was found: parts of another one would not fit together. */
      readonly etag?: string | undefined
    }
  | { readonly kind: "file"; readonly path: string }
  | {
      readonly kind: "url"
      readonly url: string
      /** Whether the server gives parts. */
      readonly ranges: boolean
      /** Of the content that was found, where the server has such a tag. */
      readonly etag?: string | undefined
      /** Certificate of the authority that signed the server's, where it is the user's own: workers may not have its file. */
      readonly authority?: string | undefined
    }

export interface PartFields {
  readonly at: Source
  readonly index: number
  readonly count: number
  readonly start: number
  readonly end: number
  readonly objectSizeBytes: number
  readonly newline: string | undefined
}

/** A part of an object as an input of `map`. It travels as its description; what reads it loads when it is read. */
export class ObjectPart implements ObjectPartition {
  readonly index: number
  readonly count: number
  readonly start: number
  readonly end: number
  readonly objectSizeBytes: number
  readonly #fields: PartFields

  constructor(fields: PartFields) {
    this.index = fields.index
    this.count = fields.count
    this.start = fields.start
    this.end = fields.end
    this.objectSizeBytes = fields.objectSizeBytes
    this.#fields = fields
    Object.freeze(this)
  }

  get source(): string {
    return sourceOf(this.#fields.at)
  }

  async bytes(call?: StorageCall): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.stream(call)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }

  async text(call?: StorageCall): Promise<string> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.#asText(call)) chunks.push(chunk)
    return Buffer.concat(chunks).toString("utf8")
  }

  async *lines(call?: StorageCall): AsyncGenerator<string> {
    const { splitLines } = await import("./lines.ts")
    yield* splitLines(this.#asText(call), this.#fields.newline)
  }

  async *#asText(call?: StorageCall): AsyncGenerator<Uint8Array> {
    const { refusingCompressed } = await import("./compressed.ts")
    yield* this.start === 0 ? refusingCompressed(this.stream(call), this.source) : this.stream(call)
  }

  async *stream(call: StorageCall = {}): AsyncGenerator<Uint8Array> {
    const [{ openSource }, { wholeLines }] = await Promise.all([import("./source.ts"), import("./lines.ts")])
    const { at, start, end, objectSizeBytes, newline } = this.#fields
    const read = openSource(at, objectSizeBytes, call.signal)
    if (newline === undefined) yield* read(start, end)
    else yield* wholeLines(read, { start, end, size: objectSizeBytes, newline })
  }

  toString(): string {
    return `${this.source} (${this.index + 1} of ${this.count})`
  }

  static {
    letTravel(
      ObjectPart,
      "Partition",
      (part) => part.#fields,
      (data) => new ObjectPart(checked(data)),
    )
  }
}

/** As people write it: a URL or a path. */
export function sourceOf(at: Source): string {
  if (at.kind === "object") return `${at.backend}://${at.bucket}/${at.key}`
  return at.kind === "file" ? at.path : at.url
}

/** It may come back from a worker as a result: whatever it then says is to be no more than a description. */
function checked(data: unknown): PartFields {
  const fields = data as PartFields
  const counts = [fields.index, fields.count, fields.start, fields.end, fields.objectSizeBytes]
  if (!counts.every((one) => Number.isSafeInteger(one) && one >= 0))
    throw new TypeError("This is no partition")
  return fields
}
