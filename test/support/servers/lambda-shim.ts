import { type ChildProcess, fork } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { crc32 } from "node:zlib"
import { root } from "../repository.ts"
import type { Server } from "./server-process.ts"

/**
 * Lambda's interface with the limits that emulators do not hold: 6 MB there and back, its own end to a function's time, so
 * many instances and no more. It answers in parts, and gives any error that a test asks for. Instances are processes that
 * run the built worker.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export interface ShimOptions {
  /** Instances at once. */
  readonly concurrency?: number
  readonly maxPayloadBytes?: number
}

/** An error in place of an answer. */
export interface ShimError {
  readonly status: number
  readonly type: string
  readonly message: string
}

/** What a call does, where a test asks for something else than its tasks. */
export type ShimCall =
  | { readonly kind: "error"; readonly error: ShimError }
  /** As Lambda says it of an instance that gave no answer. */
  | { readonly kind: "functionError"; readonly payload: object; readonly log?: string }
  /** The tasks run, and then the connection breaks; of an answer in parts, behind so many of them (default: none). */
  | { readonly kind: "lost"; readonly afterParts?: number }

export interface LambdaShim extends Server {
  /** What is to happen instead, each once: to deploying, and to calls. */
  readonly deployErrors: ShimError[]
  readonly calls: ShimCall[]
  /** Names of functions that exist, with what they were made with. */
  readonly functions: Map<
    string,
    { Timeout: number; MemorySize: number; Environment?: { Variables: NodeJS.ProcessEnv } }
  >
  /** Bytes of each call's request. */
  readonly requestBytes: number[]
  /** How often each function was called. */
  readonly callsOf: Map<string, number>
  throttles: number
}

const limitBytes = 6_291_556

export async function startLambdaShim({
  concurrency = 10,
  maxPayloadBytes = limitBytes,
}: ShimOptions = {}): Promise<LambdaShim> {
  const idle = new Map<string, Instance[]>()
  const all = new Set<Instance>()
  // For what instances keep.
  const folder = await mkdtemp(join(tmpdir(), "cellfan-lambda-shim-"))
  let running = 0
  const shim: Omit<LambdaShim, keyof Server> = {
    deployErrors: [],
    calls: [],
    functions: new Map(),
    requestBytes: [],
    callsOf: new Map(),
    throttles: 0,
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error) =>
      fail(response, { status: 500, type: "ServiceException", message: String(error) }),
    )
  })
  const sockets = new Set<Socket>()
  server.on(
    "connection",
    (socket: Socket) => sockets.add(socket).has(socket) && socket.on("close", () => sockets.delete(socket)),
  )
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return Object.assign(shim, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const instance of all) instance.kill()
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request)
    const [, name = "", what = ""] = /\/functions\/([^/?]*)\/?([\w-]*)/.exec(request.url ?? "") ?? []
    const fn = shim.functions.get(name)
    if (/invocations$/.test(what)) return call(name, what.includes("streaming"), body, response)
    const error = shim.deployErrors.shift()
    if (error !== undefined) return fail(response, error)
    if (request.method === "POST") {
      const made = JSON.parse(body.toString())
      shim.functions.set(made.FunctionName, made)
      return json(response, 201, { State: "Pending" })
    }
    if (fn === undefined)
      return fail(response, {
        status: 404,
        type: "ResourceNotFoundException",
        message: `Function not found: ${name}`,
      })
    json(response, 200, { FunctionName: name, State: "Active" })
  }

  async function call(name: string, streams: boolean, body: Buffer, response: ServerResponse): Promise<void> {
    shim.requestBytes.push(body.length)
    shim.callsOf.set(name, (shim.callsOf.get(name) ?? 0) + 1)
    if (body.length > maxPayloadBytes)
      return fail(response, {
        status: 413,
        type: "RequestTooLargeException",
        message: `Request must be smaller than ${maxPayloadBytes} bytes`,
      })
    const planned = shim.calls.shift()
    if (planned?.kind === "error") return fail(response, planned.error)
    if (planned?.kind === "functionError")
      return functionError(response, streams, planned.payload, planned.log)
    if (running >= concurrency) {
      shim.throttles++
      return fail(response, { status: 429, type: "TooManyRequestsException", message: "Rate Exceeded." })
    }
    const { Timeout = 3, MemorySize = 128, Environment } = shim.functions.get(name) ?? {}
    running++
    const instance =
      idle.get(name)?.pop() ?? new Instance(MemorySize, { TMPDIR: folder, ...Environment?.Variables })
    all.add(instance)
    try {
      const event = JSON.parse(body.toString())
      if (planned?.kind === "lost") {
        let parts = 0
        const { afterParts = 0 } = planned
        if (afterParts > 0)
          response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" }).flushHeaders()
        await instance.call(event, Timeout, (chunk) => {
          if (parts++ < afterParts) response.write(eventMessage("PayloadChunk", chunk))
          else response.destroy()
        })
        response.destroy()
        return
      }
      let bytes = 0
      const chunks: Buffer[] = []
      if (streams) response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" })
      const failure = await instance.call(event, Timeout, (chunk) => {
        bytes += chunk.length
        if (streams) response.write(eventMessage("PayloadChunk", chunk))
        else chunks.push(chunk)
      })
      if (failure !== undefined) functionError(response, streams, failure)
      else if (streams) response.end(eventMessage("InvokeComplete", Buffer.from("{}")))
      else if (bytes > maxPayloadBytes)
        functionError(response, false, {
          errorType: "Function.ResponseSizeTooLarge",
          errorMessage: `Response payload size exceeded maximum allowed payload size (${maxPayloadBytes} bytes).`,
        })
      else response.writeHead(200, { "content-type": "application/json" }).end(Buffer.concat(chunks))
    } finally {
      running--
      if (instance.isAlive) idle.set(name, [...(idle.get(name) ?? []), instance])
      else all.delete(instance)
    }
  }
}

/** A process that runs one call at a time. */
class Instance {
  isAlive = true
  readonly #child: ChildProcess
  readonly #ready: Promise<unknown>

  constructor(memoryMiB: number, env: NodeJS.ProcessEnv) {
    this.#child = fork(join(import.meta.dirname, "lambda-instance.mjs"), {
      env: {
        ...{ PATH: process.env.PATH, ...env },
        SHIM_CODE: pathToFileURL(join(root, "dist", "functions", "lambda", "index.mjs")).href,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMiB),
      },
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    })
    this.#ready = new Promise((resolve) => this.#child.once("message", resolve))
  }

  /** Resolves with Lambda's words where it failed. */
  async call(event: object, timeoutS: number, hear: (chunk: Buffer) => void): Promise<object | undefined> {
    await this.#ready
    return new Promise((resolve) => {
      const child = this.#child
      const timer = setTimeout(() => {
        this.kill()
        end({
          errorType: "Sandbox.Timedout",
          errorMessage: `RequestId: 1 Error: Task timed out after ${timeoutS.toFixed(2)} seconds`,
        })
      }, timeoutS * 1000)
      const exited = (code: number | null, signal: string | null) => {
        this.isAlive = false
        const how = signal === null ? `exit status ${code}` : "signal: killed"
        end({
          errorType: "Runtime.ExitError",
          errorMessage: `RequestId: 1 Error: Runtime exited with error: ${how}`,
        })
      }
      const said = (message: { chunk?: string; done?: true; failed?: object }) => {
        if (message.chunk !== undefined) hear(Buffer.from(message.chunk, "base64"))
        else if (message.done) end(undefined)
        else if (message.failed !== undefined) end(message.failed)
      }
      const end = (failure: object | undefined) => {
        clearTimeout(timer)
        child.off("message", said).off("exit", exited)
        resolve(failure)
      }
      child.on("message", said).on("exit", exited)
      child.send({ event, deadlineMs: Date.now() + timeoutS * 1000 })
    })
  }

  kill(): void {
    this.isAlive = false
    this.#child.kill("SIGKILL")
  }
}

function functionError(response: ServerResponse, streams: boolean, payload: object, log = ""): void {
  const LogResult = Buffer.from(log).toString("base64")
  if (!streams) {
    response
      .writeHead(200, { "x-amz-function-error": "Unhandled", "x-amz-log-result": LogResult })
      .end(JSON.stringify(payload))
    return
  }
  const { errorType, errorMessage } = payload as { errorType?: string; errorMessage?: string }
  if (!response.headersSent) response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" })
  const complete = { ErrorCode: errorType, ErrorDetails: errorMessage, LogResult }
  response.end(eventMessage("InvokeComplete", Buffer.from(JSON.stringify(complete))))
}

function fail(response: ServerResponse, { status, type, message }: ShimError): void {
  response.writeHead(status, { "content-type": "application/json", "x-amzn-errortype": type })
  response.end(JSON.stringify({ message }))
}

function json(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value))
}

/** @see https://smithy.io/2.0/aws/amazon-eventstream.html */
function eventMessage(type: string, payload: Buffer): Buffer {
  const contentType = type === "PayloadChunk" ? "application/octet-stream" : "application/json"
  const headers = Buffer.concat(
    Object.entries({ ":message-type": "event", ":event-type": type, ":content-type": contentType }).map(
      ([name, value]) => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(value.length)
        return Buffer.concat([
          Buffer.from([name.length]),
          Buffer.from(name),
          Buffer.from([7]),
          length,
          Buffer.from(value),
        ])
      },
    ),
  )
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(16 + headers.length + payload.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  const head = Buffer.concat([prelude, checksum(prelude), headers, payload])
  return Buffer.concat([head, checksum(head)])
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
