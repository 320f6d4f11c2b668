import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type * as z from "zod"
import type { Server } from "./server-process.ts"

/**
 * A server of ours in place of a provider's, which takes nothing but what the provider's published description has: paths, methods,
 * parameters, headers and fields. What does not fit is answered with the provider's own kind of error, and remembered: a
 * test ends with `expect(server.violations)` to be empty.
 */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  /** "/v2/projects/{project}/apps". */
  readonly path: string
  /** Parameters that the query may have. */
  readonly query?: readonly string[]
  /** Of the body, which then must be there. A strict schema: unknown fields are refused. */
  readonly body?: z.ZodType
  /** What the body is (default: application/json). */
  readonly contentType?: string
  handle(request: RoutedRequest): Reply | undefined | Promise<Reply | undefined>
}

export interface RoutedRequest {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: unknown
  readonly bytes: Buffer
  readonly raw: IncomingMessage
  /** For a route that answers by itself, and then returns undefined. */
  readonly response: ServerResponse
}

export interface Reply {
  readonly status: number
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface StrictOptions {
  readonly routes: readonly Route[]
  /** By TLS, and asking clients for a certificate, which this one is the authority of. Default: without. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined
  /** Undefined lets it through. */
  authorize(request: IncomingMessage): Reply | undefined
  /** An error as the provider words it. */
  refuse(status: number, message: string): Reply
  /** What is none of the routes: calls of what was deployed. Whether it was one. */
  elsewhere?(request: IncomingMessage, response: ServerResponse): boolean
  /** Ends what the server has started. */
  stop(): Promise<void>
}

export interface StrictServer extends Server {
  /** What did not fit the description, in words. */
  readonly violations: string[]
  /** Replies in place of the next ones, each once, by "METHOD /path/of/{route}". */
  readonly planned: Map<string, Reply[]>
  /** Requests by route. */
  readonly requests: Map<string, number>
}

export async function startStrictServer(options: StrictOptions): Promise<StrictServer> {
  const violations: string[] = []
  const planned = new Map<string, Reply[]>()
  const requests = new Map<string, number>()
  const sockets = new Set<Socket>()
  const listen = (request: IncomingMessage, response: ServerResponse) => {
    if (options.elsewhere?.(request, response)) return
    answer(request, response).then(
      (reply) => reply !== undefined && send(response, reply),
      (error: Error) => send(response, options.refuse(500, `the test's server failed: ${error.stack}`)),
    )
  }
  const { tls } = options
  const asking = { requestCert: true, rejectUnauthorized: false, ca: tls?.cert }
  const server = tls === undefined ? createServer(listen) : createTlsServer({ ...tls, ...asking }, listen)
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, violations, planned, requests, stop }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Reply | undefined> {
    const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://host")
    const bytes = await bytesOf(request)
    const found = match(options.routes, request.method ?? "", pathname)
    if (found === undefined) return violation(404, `there is no ${request.method} ${pathname}`)
    const { route, params } = found
    const name = `${route.method} ${route.path}`
    requests.set(name, (requests.get(name) ?? 0) + 1)
    const instead = planned.get(name)?.shift()
    if (instead !== undefined) return instead
    const refusal = options.authorize(request)
    if (refusal !== undefined) return refusal
    for (const key of query.keys())
      if (!route.query?.includes(key)) return violation(400, `${name} has no parameter "${key}"`)
    if (route.body === undefined) {
      if (bytes.length > 0) return violation(400, `${name} has no body`)
      return route.handle({ params, query, body: undefined, bytes, raw: request, response })
    }
    const { contentType = "application/json" } = route
    if (request.headers["content-type"]?.split(";")[0] !== contentType)
      return violation(415, `${name} takes ${contentType}, not ${request.headers["content-type"]}`)
    const parsed = route.body.safeParse(contentType === "application/json" ? jsonOf(bytes) : bytes.toString())
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      return violation(400, `${name}: ${issue?.path.join(".")}: ${issue?.message}`)
    }
    return route.handle({ params, query, body: parsed.data, bytes, raw: request, response })
  }

  function violation(status: number, what: string): Reply {
    violations.push(what)
    return options.refuse(status, what)
  }

  async function stop(): Promise<void> {
    await options.stop()
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

export function send(response: ServerResponse, { status, body, headers }: Reply): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

export async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function match(
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; params: Record<string, string> } | undefined {
  for (const route of routes) {
    if (route.method !== method) continue
    const pattern = route.path.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")
    const found = new RegExp(`^${pattern}$`).exec(path)
    if (found === null) continue
    const params = Object.entries(found.groups ?? {}).map(([name, value]) => [
      name,
      decodeURIComponent(value),
    ])
    return { route, params: Object.fromEntries(params) }
  }
  return undefined
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch {
    return undefined
  }
}
