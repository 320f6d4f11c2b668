import { createReadStream } from "node:fs"
import { stat } from "node:fs/promises"
import { hostname } from "node:os"
import { StorageError } from "../errors.ts"
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
        return readFile(at.path, { start, end, size }, signal)
      case "url":
        return readUrl(at, { start, end, size }, signal)
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* readFile(
  path: string,
  { start, end, size }: { start: number; end: number; size: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { size: now } = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT") throw cause
    const what = `${path} is not there, on ${hostname()}: a file of the notebook's machine is none of another one; upload it to storage that tasks reach, such as S3, and map over its objects`
    throw new StorageError(`${what}.`, { kind: "not-found", backend: "localhost" }, { cause })
  })
  if (now !== size)
    throw new StorageError(
      `${path} had ${size} bytes when it was cut into partitions and has ${now} now: find it again.`,
      { kind: "other", backend: "localhost" },
    )
  yield* createReadStream(path, { start, end: end - 1, ...(signal && { signal }) })
}

async function* readObject(
  { backend, storage, bucket, key, etag }: Extract<Source, { kind: "object" }>,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { provider } = await connect(findStorage(backend, storage))
  yield* await provider.get({ bucket, key }, { start, end }, signal, etag)
}
