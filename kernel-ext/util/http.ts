import {
  Agent as HttpAgent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestHttp,
} from "node:http"
import { Agent as HttpsAgent, request as requestHttps } from "node:https"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { rootCertificates } from "node:tls"

/**
 * Requests over connections that are kept. What `fetch` cannot: trust an authority of the caller's own, leave bytes as they are
 * stored, wait for an answer longer than five minutes, and have hundreds of calls under way.
 */

export interface HttpRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  readonly signal?: AbortSignal | undefined
  /** Certificates in PEM that are trusted beside those that Node trusts. */
  readonly authority?: string | undefined
  /** Who is calling: a certificate and its key, in PEM. */
  readonly identity?: { readonly cert: string; readonly key: string } | undefined
  /** Takes any certificate as it is. */
  readonly insecure?: boolean | undefined
  /** How long nothing may come before the request fails with ETIMEDOUT (default: 60 000). */
  readonly silentMs?: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

/** Connections are shared by all who trust the same. */
const agents = new Map<string, HttpAgent>()

/** Resolves when the answer begins, whatever its status; rejects with the system's error where none came. */
export function sendRequest(url: string | URL, request: HttpRequest = {}): Promise<HttpAnswer> {
  const { method = "GET", headers = {}, body, signal, silentMs = 60_000 } = request
  const { protocol } = new URL(url)
  const length = typeof body === "string" || body instanceof Uint8Array ? Buffer.byteLength(body) : undefined
  return new Promise((resolve, reject) => {
    const send = protocol === "https:" ? requestHttps : requestHttp
    const sent = send(url, {
      method,
      agent: agentFor(protocol, request),
      headers: { ...headers, ...(length !== undefined && { "content-length": String(length) }) },
      ...(signal && { signal }),
    })
    sent.setTimeout(silentMs, () => {
      sent.destroy(Object.assign(new Error(`nothing came for ${silentMs / 1000} s`), { code: "ETIMEDOUT" }))
    })
    sent.on("error", reject)
    sent.on("response", (answer: IncomingMessage) => {
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer })
    })
    if (body === undefined || length !== undefined) sent.end(body)
    else pipeline(Readable.from(body as AsyncIterable<Uint8Array>), sent).catch(reject)
  })
}

/** All of an answer's body. */
export async function bytesOf({ body }: HttpAnswer): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function textOf(answer: HttpAnswer): Promise<string> {
  return (await bytesOf(answer)).toString("utf8")
}

function agentFor(protocol: string, { authority, identity, insecure = false }: HttpRequest): HttpAgent {
  const key = JSON.stringify([protocol, authority, identity, insecure])
  let agent = agents.get(key)
  if (agent === undefined) {
    const options = { keepAlive: true, scheduling: "lifo" } as const
    const trusted = authority === undefined ? {} : { ca: [...rootCertificates, authority] }
    agent =
      protocol === "https:"
        ? new HttpsAgent({ ...options, ...trusted, ...identity, rejectUnauthorized: !insecure })
        : new HttpAgent(options)
    agents.set(key, agent)
  }
  return agent
}
