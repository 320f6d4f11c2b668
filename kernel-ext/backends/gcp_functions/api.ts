import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import { sendRequest, textOf } from "../../util/http.ts"
import { managementMeaning, notReady } from "../google-errors.ts"
import { type HttpService, RefusedAnswer, tellHttp, triedAgain } from "../serverless/http.ts"
import {
  type CloudFunction,
  type FunctionSpec,
  type FunctionsClient,
  functionsClient,
  type ManagementTokens,
  thrownBy,
  untilAborted,
} from "./client.ts"
import { google } from "./facts.ts"

/** What is done with functions, by Google's client: its errors are told in our words, and what may pass is tried again here alone. */

/** What is used of the client's. */
interface Operation {
  readonly latestResponse: {
    readonly done?: boolean | null
    readonly error?: { readonly message?: string | null } | null
  }
  getOperation(): Promise<object>
}

export interface ApiOptions {
  readonly endpoint?: string | undefined
  readonly region: string
  readonly tokens: ManagementTokens
}

interface Request {
  /** Follows the service: "could not …". */
  readonly doing: string
  /** The status that resolves with undefined. */
  readonly expected?: 404 | 409
  readonly signal?: AbortSignal
}

/** Google's builds take a minute or two. */
const lookAfterMs = 500
const lookAtMostAfterMs = 3000
const longer = (waitMs: number): number => Math.min(lookAtMostAfterMs, waitMs * 1.5)

export class FunctionsApi {
  readonly #options: ApiOptions
  readonly #parent: string
  readonly #service: HttpService
  #client: Promise<FunctionsClient> | undefined

  constructor(project: string, options: ApiOptions) {
    const { region } = options
    this.#options = options
    this.#parent = `projects/${project}/locations/${region}`
    this.#service = {
      ...{ name: google.name, title: google.title, place: region, addressHint: "option `endpoint`" },
      meaningOf: (refusal) => managementMeaning(google, refusal),
    }
  }

  /** All functions of the region. */
  async list(doing = "list functions"): Promise<readonly CloudFunction[]> {
    const found = await this.#ask({ doing }, (client) => client.listFunctions({ parent: this.#parent }))
    return (found?.[0] ?? []) as CloudFunction[]
  }

  async find(name: string, signal: AbortSignal): Promise<CloudFunction | undefined> {
    const request = { doing: `look for the function ${name}`, expected: 404, signal } as const
    const found = await this.#ask(request, (client) => client.getFunction({ name: this.#nameOf(name) }))
    return found?.[0] as CloudFunction | undefined
  }

  /** Puts the source where the build finds it. Resolves with what a function's build names it by. */
  async upload(source: Uint8Array, signal: AbortSignal): Promise<object> {
    const doing = "take the function's source"
    const answered = await this.#ask({ doing, signal }, (client) =>
      client.generateUploadUrl({ parent: this.#parent }),
    )
    const { uploadUrl, storageSource } = answered?.[0] ?? {}
    try {
      // The URL is signed for this type, and for nobody's token.
      const request = { method: "PUT", headers: { "content-type": "application/zip" }, body: source, signal }
      const answer = await sendRequest(uploadUrl ?? "", request)
      const text = await textOf(answer)
      if (answer.status >= 400) throw new Error(`the upload was answered with ${answer.status}: ${text}`)
    } catch (error) {
      throw tellHttp(error, this.#service, doing)
    }
    return storageSource ?? {}
  }

  /** Resolves when it is made. Another process may make it at the same moment: that one's is as good. */
  async create(name: string, spec: FunctionSpec, signal: AbortSignal): Promise<void> {
    const request = { doing: `make the function ${name}`, expected: 409, signal } as const
    const begun = await this.#ask(request, (client) =>
      client.createFunction({ parent: this.#parent, functionId: name, function: spec }),
    )
    if (begun === undefined) return
    const [operation] = begun
    for (let waitMs = lookAfterMs; operation.latestResponse.done !== true; waitMs = longer(waitMs)) {
      await sleep(waitMs, undefined, { signal })
      await this.#look(operation, signal)
    }
    const { error } = operation.latestResponse
    if (error == null) return
    // Where that fails, it is found again, and deleted then. What it failed of counts more.
    await this.remove(name).catch(() => {})
    throw this.notStarted(name, error.message ?? undefined)
  }

  /** Whether it was there. */
  async remove(name: string): Promise<boolean> {
    const request = { doing: `delete the function ${name}`, expected: 404 } as const
    const begun = await this.#ask(request, (client) => client.deleteFunction({ name: this.#nameOf(name) }))
    return begun !== undefined
  }

  notStarted(name: string, message = "it does not say why"): BackendError {
    const { kind, what } = notReady(message, false)
    return new BackendError(
      `Cloud Functions in ${this.#options.region} could not make the function ${name}: ${what}.`,
      { backend: google.name, kind, retryable: false },
    )
  }

  /** The client's own waiting would end at the first answer that is lost, and could not be given up. */
  async #look(operation: Operation, signal: AbortSignal): Promise<void> {
    await this.#ask({ doing: "say how far a function is", signal }, () =>
      operation.getOperation().catch((error: unknown) => {
        // It throws what the operation failed of, too.
        if (operation.latestResponse.done !== true) throw error
      }),
    )
  }

  #nameOf(name: string): string {
    return `${this.#parent}/functions/${name}`
  }

  #ask<T>(
    { doing, expected, signal }: Request,
    send: (client: FunctionsClient) => Promise<T>,
  ): Promise<T | undefined> {
    return triedAgain(this.#service, { doing, signal }, async () => {
      try {
        const client = await this.#opened()
        return await untilAborted(signal, () => send(client))
      } catch (error) {
        const thrown = thrownBy(error)
        if (thrown instanceof RefusedAnswer && thrown.answer.status === expected) return undefined
        throw thrown
      }
    })
  }

  #opened(): Promise<FunctionsClient> {
    const { tokens, endpoint } = this.#options
    this.#client ??= functionsClient(tokens, endpoint)
    this.#client.catch(() => {
      this.#client = undefined
    })
    return this.#client
  }
}
