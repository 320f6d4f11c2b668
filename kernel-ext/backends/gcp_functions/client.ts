import { AsyncLocalStorage } from "node:async_hooks"
import { BackendError } from "../../errors.ts"
import { bytesOf, sendRequest } from "../../util/http.ts"
import { loadPackage } from "../../util/load-package.ts"
import { notInstalled, type Tokens } from "../google-calls.ts"
import { RefusedAnswer } from "../serverless/http.ts"
import { google } from "./facts.ts"

const importFunctions = () => import("@google-cloud/functions")

type Library = Awaited<ReturnType<typeof importFunctions>>
type Message = Library["protos"]["google"]["cloud"]["functions"]["v2"]["Function"]

/** Google's own client: what requests and answers are made of, pages, and operations. By REST, which goes to any server. */
export type FunctionsClient = InstanceType<Library["v2"]["FunctionServiceClient"]>
export type CloudFunction = InstanceType<Message>
export type FunctionSpec = NonNullable<ConstructorParameters<Message>[0]> & {
  readonly buildConfig: { readonly runtime: string; readonly entryPoint: string }
}

export type ManagementTokens = Pick<Tokens, "headersFor">

/** @param endpoint Default: Google's. */
export async function functionsClient(tokens: ManagementTokens, endpoint?: string): Promise<FunctionsClient> {
  const { v2 } = await loadPackage("@google-cloud/functions", importFunctions, (cause) =>
    notInstalled(google, cause),
  )
  return new v2.FunctionServiceClient({ fallback: true, auth: new Sender(tokens, endpoint) as never })
}

const current = new AsyncLocalStorage<AbortSignal | undefined>()

/** What `work` asks of the client ends with the signal: the client's own methods take none. */
export function untilAborted<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  return current.run(signal, work)
}

/** What was thrown while the client sent: version 5 puts an error of its own around it. */
export function thrownBy(error: unknown): unknown {
  const all = [error, (error as Error).cause]
  return all.find((one) => one instanceof RefusedAnswer || one instanceof BackendError) ?? error
}

interface Asked {
  readonly method: string
  readonly headers: Headers
  readonly body?: string
}

/**
 * What the client sends by: with tokens of google-auth-library, as all else here, and to any address. Were it to send by that library itself, requests could
 * not be given up, in version 4 would wait for ever, in version 5 would lose `Retry-After`, and without credentials the process would end,
 * of a promise that nobody looks at.
 */
class Sender {
  readonly #tokens: ManagementTokens
  readonly #endpoint: string | undefined

  constructor(tokens: ManagementTokens, endpoint: string | undefined) {
    this.#tokens = tokens
    this.#endpoint = endpoint?.replace(/\/$/, "")
  }

  async fetch(asked: string, { method, headers, body }: Asked) {
    const { origin, pathname, search } = new URL(asked)
    const url = (this.#endpoint ?? origin) + pathname + search
    const answer = await sendRequest(url, {
      ...{ method, signal: current.getStore(), ...(body !== undefined && { body }) },
      headers: { ...Object.fromEntries(headers), ...(await this.#tokens.headersFor(url)) },
    })
    const bytes = await bytesOf(answer)
    const { status } = answer
    if (status >= 400) throw new RefusedAnswer(answer, bytes.toString("utf8"))
    return { ok: true, status, arrayBuffer: async () => bytes }
  }

  /** That there is one tells the client that it need not look for credentials. */
  getRequestHeaders(): Promise<Headers> {
    return Promise.resolve(new Headers())
  }
}
