import { createReadStream } from "node:fs"
import { connect } from "./connection.ts"
import { readUrl } from "./http.ts"
import { findStorage } from "./known.ts"
import type { Source } from "./partition.ts"

/** Bytes from `start` up to `end`; both lie within the object. */
export type ReadRange = (start: number, end: number) => AsyncIterable<Uint8Array>

/** How to read ranges of an object, a file or a URL. */
export function openSource(at: Source, size: number, signal: AbortSignal | undefined): ReadRange {
  return (start, end) => {
    if (start >= end) return nothing()
    switch (at.kind) {
      case "object":
        return readObject(at, start, end, signal)
      case "file":
        return createReadStream(at.path, { start, end: end - 1, ...(signal && { signal }) })
      case "url":
        return readUrl(at, { start, end, size }, signal)
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* readObject(
  { backend, storage, bucket, key }: Extract<Source, { kind: "object" }>,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { provider } = await connect(findStorage(backend, storage))
  yield* await provider.get({ bucket, key }, { start, end }, signal)
}
