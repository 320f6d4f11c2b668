import { Agent } from "node:https"
import { BackendError } from "../../errors.ts"
import { loadPackage } from "../../util/load-package.ts"
import {
  byStatus,
  type HttpService,
  type JsonRequest,
  tellHttp,
  told,
  triedAgain,
} from "../serverless/http.ts"
import { type FoundAccess, findAccess, type OpenWhiskAccess } from "./access.ts"
import { meaningOf, meaningOfWords } from "./errors.ts"

const importClient = () => import("openwhisk")

type Connect = Awaited<ReturnType<typeof importClient>>["default"]
type Client = ReturnType<Connect>

/** Asks by Apache's own client; what fails is told in our words, and tried again where that may help. */
export class WhiskClient {
  readonly service: HttpService
  readonly #client: Client
  readonly #around: Around

  private constructor({ endpoint, key, insecure, namespace, readMs }: FoundAccess, connect: Connect) {
    this.service = {
      ...{ name: "openwhisk", title: "OpenWhisk", meaningOf },
      place: endpoint.replace(/^https?:\/\//, ""),
      addressHint: "option `endpoint` and APIHOST in ~/.wskprops",
    }
    this.#client = connect({
      ...{ api: `${endpoint}/api/v1/`, api_key: key },
      // One of its own, so that the key goes through no proxy in the clear: the client does not tunnel.
      ...(endpoint.startsWith("https:") && { agent: new Agent({ keepAlive: true, scheduling: "lifo" }) }),
    })
    this.#around = {
      ...{ namespace, rejectUnauthorized: !insecure },
      ...{ response_timeout: silentMs, read_timeout: readMs },
    }
  }

  static async open(access: OpenWhiskAccess): Promise<WhiskClient> {
    const { default: connect } = await loadPackage("openwhisk", importClient, missing)
    return new WhiskClient(findAccess(access), connect)
  }

  /** @param send Asks once; it hands `around` on with each request. */
  async ask<T>(
    { doing, expected = [], tries, signal }: Question,
    send: (client: Client, around: Around) => Promise<unknown>,
  ): Promise<Asked<T>> {
    return triedAgain(this.service, { doing, tries, signal }, async () => {
      // A signal of its own for each request: the client takes its listeners off none.
      const around = { ...this.#around, ...(signal && { signal: AbortSignal.any([signal]) }) }
      try {
        return { refusal: undefined, value: (await send(this.#client, around)) as T }
      } catch (error) {
        const { statusCode, error: body } = error as ClientError
        if (statusCode !== undefined && expected.includes(statusCode))
          return { refusal: statusCode, value: body as T }
        throw this.#tell(error as ClientError, doing)
      }
    })
  }

  #tell(error: ClientError, doing: string): BackendError {
    const { statusCode: status, error: body, message: all } = error
    const { code: requestId, error: words = all } = (body ?? {}) as { code?: unknown; error?: unknown }
    if (status === undefined) {
      const meaning = meaningOfWords(String(words))
      if (meaning !== undefined) return told(this.service, doing, meaning, { cause: error })
      return tellHttp(unreached(String(words), error), this.service, doing)
    }
    const text = typeof body === "string" ? body : JSON.stringify(body)
    return told(this.service, doing, meaningOf({ status, text }) ?? byStatus(status, text), {
      ...{ status, ...(typeof requestId === "string" && { requestId }) },
    })
  }
}

export type Question = Pick<JsonRequest, "doing" | "expected" | "tries" | "signal">

export interface Asked<T> {
  /** The status, where it was none of success but one that was expected. */
  readonly refusal: number | undefined
  readonly value: T
}

/** What each request takes beside its own: these go through the client to what sends them, needle. */
export interface Around {
  readonly namespace: string
  /** Said with each request: the client reads an environment variable for it as well. */
  readonly rejectUnauthorized: boolean
  readonly response_timeout: number
  /** The client never tells of an answer that breaks off: then this ends the wait. */
  readonly read_timeout: number
  readonly signal?: AbortSignal
}

/** A blocking call says nothing for a minute, at most. */
const silentMs = 90_000

/** What the client throws: its words name the request, and nothing of it is secret. */
interface ClientError extends Error {
  /** Undefined where no answer came. */
  readonly statusCode?: number
  /** The answer. */
  readonly error?: unknown
}

/** Of an error of the system the client keeps no more than its words, which have its code. */
function unreached(words: string, cause: Error): Error {
  const code = /\bE[A-Z_]{4,}\b/.exec(words)?.[0] ?? "ECONNRESET"
  return Object.assign(new Error(words, { cause }), { code })
}

function missing(cause: unknown): BackendError {
  return new BackendError(
    "Tasks on OpenWhisk need Apache's client, which is not installed: run npm install openwhisk@3",
    { backend: "openwhisk", kind: "setup", retryable: false, cause },
  )
}
