import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import { sendRequest, textOf } from "../../util/http.ts"
import type { Tokens } from "../google-calls.ts"
import { type GoogleService, managementMeaning, notReady } from "../google-errors.ts"
import { type HttpService, type JsonRequest, requestJson, tellHttp } from "../serverless/http.ts"

/** The interface that manages functions, as far as it is used here. @see https://cloud.google.com/functions/docs/reference/rest/v2 */

export const google: GoogleService = {
  ...{ name: "gcp_functions", title: "Cloud Functions" },
  ...{ api: "cloudfunctions.googleapis.com", developer: "Cloud Functions Developer" },
  logs: "gcloud functions logs read",
}

export interface CloudFunction {
  readonly name: string
  readonly state?: "ACTIVE" | "FAILED" | "DEPLOYING" | "DELETING" | "UNKNOWN"
  readonly url?: string
  readonly updateTime?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly stateMessages?: readonly { readonly message?: string }[]
  readonly buildConfig?: { readonly runtime?: string }
  readonly serviceConfig?: {
    readonly uri?: string
    readonly availableMemory?: string
    readonly timeoutSeconds?: number
  }
}

interface Operation {
  readonly name: string
  readonly done?: boolean
  readonly error?: { readonly message?: string }
}

export interface ApiOptions {
  readonly endpoint?: string | undefined
  readonly region: string
  readonly tokens: Pick<Tokens, "headersFor">
}

/** Google's builds take a minute or two. */
const lookAfterMs = 500
const lookAtMostAfterMs = 3000

export class FunctionsApi {
  readonly #options: ApiOptions
  readonly #base: string
  readonly #parent: string
  readonly #service: HttpService

  constructor(project: string, options: ApiOptions) {
    const { region, endpoint = "https://cloudfunctions.googleapis.com" } = options
    this.#options = options
    this.#base = `${endpoint.replace(/\/$/, "")}/v2/`
    this.#parent = `projects/${project}/locations/${region}`
    this.#service = {
      ...{ name: google.name, title: google.title, place: region, addressHint: "option `endpoint`" },
      meaningOf: (refusal) => managementMeaning(google, refusal),
    }
  }

  /** All functions of the region. */
  async list(doing = "list functions"): Promise<CloudFunction[]> {
    const found: CloudFunction[] = []
    for (let token = ""; ; ) {
      const query = `?pageSize=100${token === "" ? "" : `&pageToken=${encodeURIComponent(token)}`}`
      const { value } = await this.#ask<{ functions?: readonly CloudFunction[]; nextPageToken?: string }>(
        `${this.#parent}/functions${query}`,
        { doing },
      )
      found.push(...(value.functions ?? []))
      token = value.nextPageToken ?? ""
      if (token === "") return found
    }
  }

  async find(name: string, signal: AbortSignal): Promise<CloudFunction | undefined> {
    const { status, value } = await this.#ask<CloudFunction>(`${this.#parent}/functions/${name}`, {
      ...{ doing: `look for the function ${name}`, expected: [404], signal },
    })
    return status === 404 ? undefined : value
  }

  /** Puts the source where the build finds it. Resolves with what a function's build names it by. */
  async upload(source: Uint8Array, signal: AbortSignal): Promise<object> {
    const doing = "take the function's source"
    const { value } = await this.#ask<{ uploadUrl: string; storageSource: object }>(
      `${this.#parent}/functions:generateUploadUrl`,
      { doing, method: "POST", body: {}, signal },
    )
    try {
      // The URL is signed for this type, and for nobody's token.
      const request = { method: "PUT", headers: { "content-type": "application/zip" }, body: source, signal }
      const answer = await sendRequest(value.uploadUrl, request)
      const text = await textOf(answer)
      if (answer.status >= 400) throw new Error(`the upload was answered with ${answer.status}: ${text}`)
    } catch (error) {
      throw tellHttp(error, this.#service, doing)
    }
    return value.storageSource
  }

  /** Resolves when it is made. Another process may make it at the same moment: that one's is as good. */
  async create(name: string, body: object, signal: AbortSignal): Promise<void> {
    const { status, value } = await this.#ask<Operation>(`${this.#parent}/functions?functionId=${name}`, {
      ...{ doing: `make the function ${name}`, method: "POST", body, expected: [409], signal },
    })
    if (status === 409) return
    const { error } = await this.#ended(value, signal)
    if (error === undefined) return
    // Left as it is, it would be found again.
    await this.remove(name)
    throw this.notStarted(name, error.message)
  }

  /** Whether it was there. */
  async remove(name: string): Promise<boolean> {
    const { status } = await this.#ask(`${this.#parent}/functions/${name}`, {
      ...{ doing: `delete the function ${name}`, method: "DELETE", expected: [404] },
    })
    return status !== 404
  }

  notStarted(name: string, message = "it does not say why"): BackendError {
    const { kind, what } = notReady(message)
    return new BackendError(
      `Cloud Functions in ${this.#options.region} could not make the function ${name}: ${what}.`,
      { backend: google.name, kind, retryable: false },
    )
  }

  async #ended(operation: Operation, signal: AbortSignal): Promise<Operation> {
    let last = operation
    for (let waitMs = lookAfterMs; last.done !== true; waitMs = Math.min(lookAtMostAfterMs, waitMs * 1.5)) {
      await sleep(waitMs, undefined, { signal })
      const doing = "say how far a function is"
      last = (await this.#ask<Operation>(operation.name, { doing, signal })).value
    }
    return last
  }

  async #ask<T>(path: string, request: JsonRequest) {
    const { tokens } = this.#options
    const headers = await tokens.headersFor(this.#base)
    return requestJson<T>(this.#service, this.#base + path, { ...request, headers })
  }
}
