import type { IncomingMessage, ServerResponse } from "node:http"
import type { Conditions } from "./conditions.ts"
import { brokenCode, OpenWhiskContainer } from "./openwhisk-container.ts"
import { bytesOf } from "./strict-server.ts"

/**
 * A function of Code Engine: Apache's Node.js runtime, called and answered for by the rules of IBM's "Exchanging data with functions", with
 * the statuses of "Working with functions".
 */
export interface FunctionSpec {
  /** Of the runtime, installed. */
  readonly folder: string
  /** A zip, in base64. */
  readonly code: string
  readonly main: string
  readonly env: Readonly<Record<string, string>>
  readonly memoryMiB: number
  readonly timeoutMs: number
  readonly conditions: Conditions
}

const maxBytes = 1024 * 1024

export class FunctionRuns {
  /** Containers that were started in all. */
  started = 0
  readonly #spec: FunctionSpec
  readonly #idle: OpenWhiskContainer[] = []
  readonly #all = new Set<OpenWhiskContainer>()
  #running = 0

  constructor(spec: FunctionSpec) {
    this.#spec = spec
    spec.conditions.runs.add(this)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await bytesOf(request)
    const { conditions } = this.#spec
    if (bytes.length > Math.min(maxBytes, conditions.maxRequestBytes))
      return say(response, 413, "The request payload exceeds the defined maximum.")
    if (this.#running >= conditions.maxInstances)
      return say(response, 429, "You exceeded your resource quota, could not schedule the function.")
    this.#running++
    try {
      await this.#run(request, bytes, response)
    } finally {
      this.#running--
    }
  }

  async stop(): Promise<void> {
    this.#idle.length = 0
    await Promise.all([...this.#all].map((container) => this.#end(container)))
  }

  async #run(request: IncomingMessage, bytes: Buffer, response: ServerResponse): Promise<void> {
    const container = this.#idle.pop() ?? (await this.#start())
    if (container === undefined)
      return say(response, 422, "The function code could not be loaded from a specified source.")
    const late = { isSo: false }
    const timer = setTimeout(() => {
      late.isSo = true
      void this.#end(container)
    }, this.#spec.timeoutMs)
    const { status, text } = await container.run({ value: argumentsOf(request, bytes) })
    clearTimeout(timer)
    if (container.isGone || status !== 200) await this.#end(container)
    else this.#idle.push(container)
    if (late.isSo)
      return say(
        response,
        299,
        "The function exceeded the specified or maximum runtime limit and was aborted.",
      )
    if (status !== 200) return say(response, 502, "Bad gateway.")
    answer(JSON.parse(text), response)
  }

  async #start(): Promise<OpenWhiskContainer | undefined> {
    const { folder, memoryMiB, main, env, conditions } = this.#spec
    const code = conditions.startsFail ? brokenCode : this.#spec.code
    this.started++
    const container = await OpenWhiskContainer.start(folder, memoryMiB)
    this.#all.add(container)
    const { status } = await container.init({ name: "function", main, code, binary: true, env })
    if (status === 200) return container
    await this.#end(container)
    return undefined
  }

  async #end(container: OpenWhiskContainer): Promise<void> {
    if (this.#all.delete(container)) await container.stop()
  }
}

function argumentsOf({ headers, method }: IncomingMessage, bytes: Buffer): object {
  const canonical = Object.entries(headers).map(([name, value]) => [
    name.replaceAll(/(^|-)([a-z])/g, (letters) => letters.toUpperCase()),
    String(value),
  ])
  const isText = headers["content-type"]?.startsWith("text/")
  return {
    __ce_method: method,
    __ce_path: "/",
    __ce_query: "",
    __ce_headers: Object.fromEntries(canonical),
    __ce_body: bytes.toString(isText ? "utf8" : "base64"),
  }
}

function answer({ statusCode = 200, headers = {}, body = "" }: Answered, response: ServerResponse): void {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === "content-type")?.[1]
  const isText = type === undefined || type.startsWith("text/") || type.startsWith("application/json")
  const bytes =
    typeof body === "string" ? Buffer.from(body, isText ? "utf8" : "base64") : JSON.stringify(body)
  if (bytes.length > maxBytes)
    say(response, 416, "The function generated a response that exceeds the defined maximum.")
  else response.writeHead(statusCode, { ...headers, "x-faas-actionstatus": String(statusCode) }).end(bytes)
}

interface Answered {
  readonly statusCode?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

function say(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }))
}
