import { Readable } from "node:stream"
import { sendRequest } from "../util/http.ts"

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

async function ask(
  authority: string,
  url: URL,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Response> {
  const { status, headers: found, body } = await sendRequest(url, { headers, authority, signal })
  const named = Object.entries(found).map(([name, value]): [string, string] => [name, String(value)])
  return new Response(Readable.toWeb(body) as ReadableStream<Uint8Array>, { status, headers: named })
}
