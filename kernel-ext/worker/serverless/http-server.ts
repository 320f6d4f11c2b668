import { timingSafeEqual } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { InvocationEvent } from "../../protocol/invocation.ts"
import type { Environment } from "./environment.ts"
import { answerInParts, pulseOf } from "./in-parts.ts"
import { maxBytesOf } from "./watch.ts"

/**
 * Calls by HTTP, for whatever runs containers:
 *
 *     POST /         a call; its answer comes in parts, as blocks. 429: as many run as may
 *     GET  /health   200 while calls are taken, 503 from close() on
 */
export interface WorkerServerOptions {
  /** Each runs one call at a time. */
  readonly environments: readonly Environment[]
  /** The longest time of a call. */
  readonly timeoutMs: number
  /** What calls must carry in `x-cellfan-token`. Undefined: the platform lets through only who may call. */
  readonly token: string | undefined
  /** Of the process: as it was given to the environments. */
  readonly memoryMiB?: number | undefined
  /** A longer request is refused (default: 64 MiB). */
  readonly maxRequestBytes?: number
  /** How often an answer says something (default: 10 000): what stands between may cut a connection that is silent for a minute. */
  readonly pulseMs?: number
  /** Memory that a task has used up does not come back: this process takes fewer calls, and should be replaced. */
  readonly onSpent?: () => void
}

/** Frameworks may have read the body before. */
type Asked = IncomingMessage & { readonly rawBody?: Buffer | undefined }

export const tokenHeader = "x-cellfan-token"
export const blocksType = "application/vnd.cellfan.blocks"

/** Clients may send a further call on a connection for so long; proxies keep theirs for less. */
const keepAliveMs = 620_000

/** How long memory may take to come back. */
const settleMs = 1000

export class WorkerServer {
  readonly #options: WorkerServerOptions
  readonly #free: Environment[]
  readonly #server = createServer((request, response) => this.handle(request, response))
  #closing: Promise<void> | undefined

  constructor(options: WorkerServerOptions) {
    this.#options = options
    this.#free = [...options.environments]
    this.#server.keepAliveTimeout = keepAliveMs
    // The platform ends a call that takes too long to come in.
    this.#server.requestTimeout = 0
  }

  /** Resolves with the port, which the system chooses for 0. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject)
      this.#server.listen(port, () => resolve((this.#server.address() as AddressInfo).port))
    })
  }

  /** Takes no more calls, and resolves when those that run have been answered. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeIdleConnections()
    })
    return this.#closing
  }

  /** A request of this server's, or of another one that takes them in this process. */
  handle(request: Asked, response: ServerResponse): void {
    // A connection that is kept would keep the server from closing.
    if (this.#closing !== undefined) response.setHeader("connection", "close")
    const [path] = (request.url ?? "/").split("?")
    if (path === "/health") this.#health(request, response)
    else if (path !== "/") refuse(response, 404, "There is nothing here: calls go to POST /.")
    else if (request.method !== "POST") refuse(response, 405, "Calls are made by POST.", { allow: "POST" })
    else if (!this.#mayCall(request)) refuse(response, 401, "The call has not the token of this worker.")
    else if (this.#closing !== undefined) refuse(response, 503, "This worker is being shut down.")
    else void this.#call(request, response)
  }

  #health(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    const { length } = this.#options.environments
    json(response, this.#closing === undefined ? 200 : 503, {
      status: this.#closing === undefined ? "ok" : "closing",
      running: length - this.#free.length,
      atOnce: length,
    })
  }

  #mayCall({ headers }: IncomingMessage): boolean {
    const { token } = this.#options
    if (token === undefined) return true
    const [given, wanted] = [Buffer.from(String(headers[tokenHeader] ?? "")), Buffer.from(token)]
    return given.length === wanted.length && timingSafeEqual(given, wanted)
  }

  async #call(request: Asked, response: ServerResponse): Promise<void> {
    const atMs = performance.now()
    const environment = this.#free.pop()
    if (environment === undefined) {
      refuse(response, 429, "As many calls run here as may.", { "retry-after": "1" })
      return
    }
    let last: Uint8Array | undefined
    try {
      const event = await this.#eventOf(request, response)
      if (event !== undefined) last = await this.#answer(environment, event, response, atMs)
    } catch {
      // The connection broke while the call came in.
      response.destroy()
    }
    // Whoever has the answer may call again at once.
    if (await this.#hasRoom()) this.#free.push(environment)
    else this.#options.onSpent?.()
    response.end(last)
    // A connection that was kept open would keep the server from closing.
    if (this.#closing !== undefined) response.once("close", () => this.#server.closeIdleConnections())
  }

  async #eventOf(request: Asked, response: ServerResponse): Promise<InvocationEvent | undefined> {
    const { maxRequestBytes = 64 * 2 ** 20 } = this.#options
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of request.rawBody === undefined ? request : [request.rawBody]) {
      bytes += (chunk as Buffer).length
      if (bytes > maxRequestBytes) {
        response.setHeader("connection", "close")
        refuse(response, 413, `A call may have ${maxRequestBytes} bytes.`)
        return undefined
      }
      chunks.push(chunk as Buffer)
    }
    const event = parsed(Buffer.concat(chunks))
    if (event === undefined) refuse(response, 400, "A call is a JSON object: an event of cellfan.")
    return event
  }

  /** Resolves with the last part of the answer, which is still to be sent. */
  async #answer(
    environment: Environment,
    event: InvocationEvent,
    response: ServerResponse,
    atMs: number,
  ): Promise<Uint8Array> {
    const left = new AbortController()
    response.once("close", () => left.abort())
    // Proxies that gather what is small are asked not to.
    response.writeHead(200, {
      "content-type": blocksType,
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    })
    response.flushHeaders()
    const { timeoutMs, pulseMs = 10_000 } = this.#options
    const pulse = setInterval(() => response.write(pulseOf(environment)), pulseMs)
    const call = { remainingMs: () => timeoutMs - (performance.now() - atMs), signal: left.signal }
    try {
      return await answerInParts(environment, event, call, (part) => response.write(part))
    } finally {
      clearInterval(pulse)
    }
  }

  /**
   * Whether a further task has memory. One that was just ended takes a moment to let go of what it had, and an allocator may
   * keep it: the next task would be ended for it.
   */
  async #hasRoom(): Promise<boolean> {
    const maxBytes = maxBytesOf(this.#options.memoryMiB) * 0.9
    for (const end = performance.now() + settleMs; process.memoryUsage.rss() > maxBytes; ) {
      if (performance.now() > end) return false
      await sleep(20)
    }
    return true
  }
}

function parsed(bytes: Buffer): InvocationEvent | undefined {
  try {
    const value = JSON.parse(bytes.toString("utf8"))
    return typeof value === "object" && value !== null && Array.isArray(value.needs) ? value : undefined
  } catch {
    return undefined
  }
}

function refuse(
  response: ServerResponse,
  status: number,
  error: string,
  headers: Record<string, string> = {},
): void {
  // What is not read would keep the connection from being used again.
  response.req.resume()
  json(response, status, { error }, headers)
}

function json(
  response: ServerResponse,
  status: number,
  value: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headers, "content-type": "application/json" }).end(JSON.stringify(value))
}
