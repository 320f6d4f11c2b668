import { createHash } from "node:crypto"
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type { Server } from "./server-process.ts"

/** How the server is to behave; tests change it as they go. */
export interface WebBehaviour {
  /** Whether it gives parts. */
  ranges: boolean
  /** Answers that are errors before the next good one. */
  failures: number[]
  /** Whether it gives parts and does not say of how much. */
  hidesLength: boolean
  /** Bytes after which the next answers break off, one each. */
  breaks: number[]
}

export interface WebServer extends Server {
  readonly files: Map<string, Buffer>
  readonly behaviour: WebBehaviour
  /** Of each request: its range header, or "". */
  readonly requests: string[]
}

/** A web server with Range, over http, or over https where it gets a certificate. */
export async function startWeb(certificate?: { key: string; cert: string }): Promise<WebServer> {
  const files = new Map<string, Buffer>()
  const behaviour: WebBehaviour = { ranges: true, failures: [], hidesLength: false, breaks: [] }
  const requests: string[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    requests.push(request.headers.range ?? "")
    serve(files.get(decodeURIComponent(request.url?.split("?")[0] ?? "")), behaviour, request, response)
  }
  const server: HttpServer =
    certificate === undefined ? createServer(answer) : createSecureServer(certificate, answer)
  const sockets = new Set<Socket>()
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    files,
    behaviour,
    requests,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function serve(
  file: Buffer | undefined,
  behaviour: WebBehaviour,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const failure = behaviour.failures.shift()
  if (failure !== undefined || file === undefined) {
    response.writeHead(failure ?? 404).end()
    return
  }
  const etag = `"${createHash("sha256").update(file).digest("hex").slice(0, 16)}"`
  if (behaviour.hidesLength) {
    response.writeHead(206, { "content-length": 1, "content-range": "bytes 0-0/*" }).end(file.subarray(0, 1))
    return
  }
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? []
  if (first === undefined || !behaviour.ranges) {
    response.writeHead(200, { "content-length": file.length, etag })
    send(response, file, behaviour.breaks.shift())
    return
  }
  const start = Number(first)
  const end = Math.min(last === "" ? file.length : Number(last) + 1, file.length)
  if (start >= file.length) {
    response.writeHead(416, { "content-range": `bytes */${file.length}` }).end()
    return
  }
  response.writeHead(206, {
    "content-length": end - start,
    etag,
    "content-range": `bytes ${start}-${end - 1}/${file.length}`,
  })
  send(response, file.subarray(start, end), end - start > 1 ? behaviour.breaks.shift() : undefined)
}

function send(response: ServerResponse, bytes: Buffer, breakAfter: number | undefined): void {
  if (breakAfter === undefined) response.end(bytes)
  else response.write(bytes.subarray(0, breakAfter), () => response.destroy())
}
