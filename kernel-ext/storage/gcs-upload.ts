import type { GcsApi } from "./gcs-api.ts"
import type { Body, Place, PutCall } from "./provider.ts"

/**
 * Writing an object to Google Cloud Storage. What is small goes in one request; a stream, or what is large, part by part: the
 * object is there when the last part is, and each part can be sent again.
 */

/** Parts are multiples of 256 KiB. */
const partBytes = 8 * 1024 * 1024

export async function upload(api: GcsApi, object: Place, body: Body, call: PutCall): Promise<void> {
  const { contentType = "application/octet-stream", signal } = call
  const at = `${api.base}/upload/storage/v1/b/${encodeURIComponent(object.bucket)}/o`
  const query = (uploadType: string) => new URLSearchParams({ uploadType, name: object.key })
  if (body.kind === "bytes" && body.bytes.byteLength <= 2 * partBytes) {
    const headers = { "content-type": contentType }
    const request = { method: "POST", headers, body: body.bytes }
    await api.whole(object, signal, `${at}?${query("media")}`, request)
    return
  }
  const { headers } = await api.whole(object, signal, `${at}?${query("resumable")}`, {
    method: "POST",
    headers: { "x-upload-content-type": contentType },
    body: "",
  })
  await sendParts(api, object, headers.location ?? "", body, signal)
}

async function sendParts(
  api: GcsApi,
  object: Place,
  session: string,
  body: Body,
  signal: AbortSignal | undefined,
): Promise<void> {
  let start = 0
  for await (const { bytes, isLast } of partsOf(body)) {
    const end = start + bytes.length
    const total = isLast ? String(end) : "*"
    // It may keep less than it was sent, and says so; what it has already it passes over.
    for (let kept = start; ; ) {
      const range = bytes.length === 0 ? `bytes */${total}` : `bytes ${kept}-${end - 1}/${total}`
      const request = {
        method: "PUT",
        headers: { "content-range": range },
        body: bytes.subarray(kept - start),
      }
      const answer = await api.whole(object, signal, session, request, [308])
      if (answer.status !== 308) return
      const keptNow = Number(/-(\d+)$/.exec(String(answer.headers.range ?? ""))?.[1] ?? -1) + 1
      if (keptNow === end && !isLast) break
      if (keptNow <= kept) throw api.tell(new Error(`it keeps ${keptNow} of ${end} bytes`), object, signal)
      kept = keptNow
    }
    start = end
  }
}

/** All of one length but the last, which says so. */
async function* partsOf(body: Body): AsyncGenerator<{ bytes: Buffer; isLast: boolean }> {
  let pending: Buffer[] = []
  let size = 0
  const chunks = body.kind === "bytes" ? [body.bytes] : body.stream
  for await (const chunk of chunks) {
    pending.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    size += chunk.byteLength
    // What may be the last part is held until it is known.
    while (size > partBytes) {
      const whole = Buffer.concat(pending)
      yield { bytes: whole.subarray(0, partBytes), isLast: false }
      pending = [whole.subarray(partBytes)]
      size -= partBytes
    }
  }
  yield { bytes: Buffer.concat(pending), isLast: true }
}
