import { setTimeout as sleep } from "node:timers/promises"
import { StorageError, type StorageErrorKind } from "../errors.ts"
import { notReached as reasonFor } from "../util/service-errors.ts"
import { fetchTrusting } from "./https.ts"
import type { Source } from "./partition.ts"

/** Ranges of what a web server has. */

type Url = Extract<Source, { kind: "url" }>

const attempts = 4

const firstWaitMs = 200

/** Bytes as they are stored: compression on the way would make positions mean nothing. */
const asStored = { "accept-encoding": "identity" }

/** How many bytes a URL has, and whether parts of them can be asked for. */
export async function measureUrl(
  url: string,
  authority: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ size: number; ranges: boolean; etag: string | undefined }> {
  // One byte, by GET: some servers answer HEAD otherwise, or say nothing of ranges there.
  const answer = await request({ url, authority }, { ...asStored, range: "bytes=0-0" }, signal)
  await answer.body?.cancel()
  const total = /\/(\d+)$/.exec(answer.headers.get("content-range") ?? "")?.[1]
  const etag = strongTag(answer)
  if (answer.status === 206 && total !== undefined) return { size: Number(total), ranges: true, etag }
  // No first byte: it is empty.
  if (answer.status === 416) return { size: 0, ranges: false, etag: undefined }
  // Of a part, it is the part's.
  const length = answer.status === 206 ? null : answer.headers.get("content-length")
  if (length === null || answer.headers.has("content-encoding"))
    throw fail(url, "other", "does not say how many bytes it has, so it cannot be partitioned")
  return { size: Number(length), ranges: false, etag }
}

export async function* readUrl(
  { url, ranges, etag, authority }: Url,
  { start, end, size }: { start: number; end: number; size: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const isWhole = start === 0 && end === size
  let at = start
  for (let left = attempts; ; left--) {
    const partial = ranges && !(isWhole && at === 0)
    const answer = await request(
      { url, authority },
      partial ? { ...asStored, range: `bytes=${at}-${end - 1}` } : asStored,
      signal,
    )
    if (partial && answer.status !== 206) {
      await answer.body?.cancel()
      throw fail(url, "other", "gave the whole in place of a part, though it said before that it gives parts")
    }
    if (isOther(answer, { etag, size })) {
      await answer.body?.cancel()
      throw fail(url, "other", "has changed since it was found: find it again")
    }
    // Without ranges all of it comes, and what is not wanted is passed over.
    let position = partial ? at : 0
    try {
      for await (const chunk of answer.body ?? []) {
        const from = Math.max(at - position, 0)
        const to = Math.min(end - position, chunk.byteLength)
        position += chunk.byteLength
        if (to > from) {
          yield chunk.subarray(from, to)
          at += to - from
        }
        if (at >= end) return
      }
      throw fail(url, "network", `ended after ${at} of ${end} bytes`)
    } catch (error) {
      if (signal?.aborted) throw signal.reason
      if (left <= 1) throw error instanceof StorageError ? error : fail(url, "network", "broke off", error)
    }
  }
}

/** A tag that stands for the very bytes; a weak one stands for the meaning. */
function strongTag({ headers }: Response): string | undefined {
  const tag = headers.get("etag")
  return tag === null || tag.startsWith("W/") ? undefined : tag
}

/** Whether an answer is of other content than the one that was found: parts of both would not fit together. */
function isOther(answer: Response, { etag, size }: { etag: string | undefined; size: number }): boolean {
  const now = strongTag(answer)
  if (etag !== undefined && now !== undefined && now !== etag) return true
  const total = /\/(\d+)$/.exec(answer.headers.get("content-range") ?? "")?.[1]
  return total !== undefined && Number(total) !== size
}

/** Answered, and neither with an error nor with one that passes by itself. */
async function request(
  { url, authority }: Pick<Url, "url" | "authority">,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const options = { headers, ...(signal && { signal }) }
    const answer = authority === undefined ? fetch(url, options) : fetchTrusting(authority, url, options)
    const outcome = await answer.catch((error: unknown) => {
      if (signal?.aborted) throw signal.reason
      return notReached(url, error)
    })
    const problem = outcome instanceof StorageError ? outcome : problemOf(url, outcome)
    if (problem === undefined) return outcome as Response
    if (outcome instanceof Response) await outcome.body?.cancel()
    if (!problem.retryable || attempt === attempts) throw problem
    await sleep(firstWaitMs * 2 ** (attempt - 1), undefined, signal && { signal })
  }
}

function problemOf(url: string, { status, statusText, ok }: Response): StorageError | undefined {
  if (ok || status === 416) return undefined
  const said = `answered ${status} ${statusText}`.trimEnd()
  const kinds: Readonly<Record<number, StorageErrorKind>> = {
    401: "access-denied",
    403: "access-denied",
    404: "not-found",
    410: "not-found",
    429: "throttled",
  }
  return fail(url, kinds[status] ?? (status >= 500 ? "unavailable" : "other"), said)
}

function fail(url: string, kind: StorageErrorKind, what: string, cause?: unknown): StorageError {
  const { origin, pathname } = new URL(url)
  // A query may hold a signature that gives access.
  return new StorageError(
    `${origin}${pathname} ${what}.`,
    { kind, backend: "http" },
    cause === undefined ? {} : { cause },
  )
}

function notReached(url: string, error: unknown): StorageError {
  const reason = reasonOf(error)
  if (reasonFor(error) !== "untrusted") return fail(url, "network", `was not reached: ${reason}`, error)
  const what = `was not reached: its certificate is not trusted (${reason}); name its authority with \`caFile\``
  return fail(url, "setup", what, error)
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error
  return cause instanceof Error && cause.message !== "" ? cause.message : message
}
