import { get } from "node:https"
import { Readable } from "node:stream"
import { rootCertificates } from "node:tls"

const mostRedirects = 5

/** `fetch`, which also trusts an authority of the caller's own: fetch itself takes none. */
export async function fetchTrusting(
  authority: string,
  url: string,
  { headers, signal }: { headers: Record<string, string>; signal?: AbortSignal },
): Promise<Response> {
  let at = new URL(url)
  for (let redirects = 0; ; redirects++) {
    const answer = await ask(authority, at, headers, signal)
    const location = answer.status >= 300 && answer.status < 400 ? answer.headers.get("location") : null
    if (location === null || redirects === mostRedirects) return answer
    await answer.body?.cancel()
    at = new URL(location, at)
  }
}

function ask(
  authority: string,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { headers, ca: [...rootCertificates, authority], ...(signal && { signal }) },
      (answer) => {
        const { statusCode: status = 500, statusMessage: statusText = "" } = answer
        const named = Object.entries(answer.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ])
        const body = Readable.toWeb(answer) as ReadableStream<Uint8Array>
        resolve(new Response(body, { status, statusText, headers: named }))
      },
    )
    request.on("error", reject)
  })
}
