import { Readable } from "node:stream"
import type { ByteRange } from "../protocol/storage.ts"
import { isRetryable } from "./errors.ts"

/** How often a download goes on after its connection broke. */
const resumptions = 3

/** An answer whose bytes have begun to come. */
export interface Download {
  readonly body: AsyncIterable<Uint8Array>
  /** Names this content of the object, so that a later request goes on with the same. */
  readonly version: string | undefined
}

export interface DownloadCall {
  readonly range: ByteRange | undefined
  readonly signal: AbortSignal | undefined
  /** The only content that is wanted, where it is known from before. */
  readonly version?: string | undefined
  /** Asks for a range; with a version, for that one only. Throws as providers do. */
  request(range: ByteRange | undefined, version: string | undefined): Promise<Download>
  /** An error of the connection, in our words. */
  tell(error: unknown): unknown
}

/** Resolves when the first byte is there. Goes on where a connection breaks, as long as the object is the same. */
export async function download(call: DownloadCall): Promise<AsyncIterable<Uint8Array>> {
  const { range } = call
  if (range !== undefined && range.start === range.end) return Readable.from([])
  try {
    return reading(call, await call.request(range, call.version))
  } catch (error) {
    // An empty object has no first byte, which is no reason to refuse all of it.
    if ((error as { kind?: unknown }).kind === "range" && range?.start === 0) return Readable.from([])
    throw error
  }
}

async function* reading(
  { range, signal, request, tell }: DownloadCall,
  first: Download,
): AsyncGenerator<Uint8Array> {
  let download = first
  let at = range?.start ?? 0
  for (let left = resumptions; ; left--) {
    try {
      for await (const chunk of download.body) {
        yield chunk
        at += chunk.byteLength
      }
      return
    } catch (error) {
      const told = tell(error)
      if (left === 0 || signal?.aborted || !isRetryable(told) || download.version === undefined) throw told
      const rest = { start: at, ...(range?.end !== undefined && { end: range.end }) }
      if (rest.end !== undefined && at >= rest.end) return
      download = await request(rest, first.version)
    }
  }
}
