import { inspect } from "node:util"
import type { Encoded, Loaded } from "../capture/types.ts"
import type { Failure } from "../protocol/worker.ts"

const longestText = 64 * 1024

/** What was thrown, in a form that always travels: user code throws anything, and its getters and proxies may throw too. */
export function describeFailure(offset: number, thrown: unknown, loaded: Loaded | undefined): Failure {
  return {
    offset,
    name: attempt(() => nameOf(thrown)) ?? "Error",
    message: cut(attempt(() => messageOf(thrown)) ?? "(its message cannot be read)"),
    stack: cut(attempt(() => stackOf(thrown)) ?? ""),
    error: loaded === undefined ? undefined : attempt(() => plain(loaded.codec.encode(thrown, "error"))),
  }
}

function nameOf(thrown: unknown): string {
  if (thrown instanceof Error) {
    const own = String(thrown.name)
    return own === "Error" && typeof thrown.constructor === "function" ? thrown.constructor.name || own : own
  }
  return thrown === null ? "null" : typeof thrown
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message)
  return typeof thrown === "string" ? thrown : inspect(thrown, { depth: 2, maxStringLength: 1000 })
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error && typeof thrown.stack === "string" ? thrown.stack : ""
}

function plain({ bytes, blobs }: Encoded): Failure["error"] {
  const total = blobs.reduce((sum, blob) => sum + blob.byteLength, bytes.byteLength)
  return total > 16 * longestText ? undefined : { bytes, blobs: [...blobs] }
}

function cut(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
