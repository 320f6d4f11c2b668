import { setTimeout as sleep } from "node:timers/promises"
import { StorageError } from "../errors.ts"
import type { StorageDescription } from "../protocol/storage.ts"
import { GoogleTokens } from "../util/google.ts"
import { type HttpAnswer, type HttpRequest, sendRequest, textOf } from "../util/http.ts"
import { loadPackage } from "../util/load-package.ts"
import { isRetryable } from "./errors.ts"
import { refusalOf, tellGcs } from "./gcs-errors.ts"
import type { Place } from "./provider.ts"

/** Requests to Google Cloud Storage: signed, made again where that helps, and their errors told. */

export interface GcsOptions {
  /** Where buckets are made that do not exist (default: "US"). */
  readonly region?: string
  /** Default: that of the credentials. */
  readonly project?: string
  /** URL of the service, where it is not Google's. */
  readonly endpoint?: string
  /** Certificates in PEM of whoever signed the endpoint's. */
  readonly authority?: string
}

export interface Ask {
  readonly method?: string
  /** Follows the bucket or the object. */
  readonly path?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Goes as JSON. */
  readonly body?: object
}

const attempts = 5
const firstWaitMs = 200

export async function openApi({ backend, options, secrets }: StorageDescription): Promise<GcsApi> {
  const { project } = options as GcsOptions
  const tokens = new GoogleTokens({ project, credentials: secrets?.credentials }, loadAuth)
  return new GcsApi(backend, options as GcsOptions, tokens)
}

const importAuth = () => import("google-auth-library")

function loadAuth() {
  const missing = (cause: unknown) =>
    new StorageError(
      "Storage on Google Cloud needs Google's library for credentials, which is not installed: run npm install google-auth-library",
      { kind: "setup", backend: "gcp_storage" },
      { cause },
    )
  return loadPackage("google-auth-library", importAuth, missing)
}

export class GcsApi {
  readonly base: string
  readonly #backend: string
  readonly #options: GcsOptions
  readonly #tokens: GoogleTokens

  constructor(backend: string, options: GcsOptions, tokens: GoogleTokens) {
    this.base = (options.endpoint ?? "https://storage.googleapis.com").replace(/\/$/, "")
    this.#backend = backend
    this.#options = options
    this.#tokens = tokens
  }

  async project(): Promise<string> {
    return this.#told({}, undefined, () => this.#tokens.project())
  }

  /** Reads it as JSON. */
  async json<T>(place: Partial<Place>, signal: AbortSignal | undefined, ask: Ask = {}): Promise<T> {
    const [url, request] = this.#requestOf(place, ask)
    return JSON.parse((await this.whole(place, signal, url, request)).text) as T
  }

  async discard(place: Place, signal: AbortSignal | undefined): Promise<void> {
    const [url, request] = this.#requestOf(place, { method: "DELETE" })
    await this.whole(place, signal, url, request)
  }

  /** Resolves when the answer begins. */
  begun(place: Place, signal: AbortSignal | undefined, ask: Ask): Promise<HttpAnswer> {
    const [url, request] = this.#requestOf(place, ask)
    return this.#retrying(place, signal, () => this.#once(place, signal, url, request, []))
  }

  /**
   * Resolves when the answer has come.
   *
   * @param accepts Statuses that are no errors, beside those of success.
   */
  whole(
    place: Partial<Place>,
    signal: AbortSignal | undefined,
    url: string,
    request: HttpRequest,
    accepts: readonly number[] = [],
  ): Promise<Pick<HttpAnswer, "status" | "headers"> & { readonly text: string }> {
    return this.#retrying(place, signal, async () => {
      const answer = await this.#once(place, signal, url, request, accepts)
      return { status: answer.status, headers: answer.headers, text: await textOf(answer) }
    })
  }

  #requestOf({ bucket, key }: Partial<Place>, ask: Ask): [url: string, request: HttpRequest] {
    const { method, path = "", query = {}, headers = {}, body } = ask
    const [b, o] = [bucket, key].map((name) => name !== undefined && encodeURIComponent(name))
    const place = `${b ? `/${b}` : ""}${o ? `/o/${o}` : ""}`
    const request = {
      ...(method !== undefined && { method }),
      headers: { ...headers, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    }
    return [`${this.base}/storage/v1/b${place}${path}?${new URLSearchParams(query)}`, request]
  }

  async #retrying<T>(
    place: Partial<Place>,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#told(place, signal, work)
      } catch (error) {
        if (attempt === attempts || !isRetryable(error)) throw error
        const waitMs = firstWaitMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2)
        await sleep(waitMs, undefined, { ...(signal && { signal }) })
      }
    }
  }

  async #once(
    place: Partial<Place>,
    signal: AbortSignal | undefined,
    url: string,
    request: HttpRequest,
    accepts: readonly number[],
  ): Promise<HttpAnswer> {
    const headers = { ...request.headers, ...(await this.#tokens.headersFor(url)) }
    const { authority } = this.#options
    const answer = await sendRequest(url, { ...request, headers, signal, authority })
    const { status } = answer
    if ((status >= 200 && status < 300) || accepts.includes(status)) return answer
    throw refusalOf(status, await textOf(answer), this.#called(place))
  }

  tell(error: unknown, place: Partial<Place>, signal: AbortSignal | undefined): unknown {
    return tellGcs(error, this.#called(place), signal)
  }

  async #told<T>(place: Partial<Place>, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw this.tell(error, place, signal)
    }
  }

  #called(place: Partial<Place>) {
    return { backend: this.#backend, endpoint: this.#options.endpoint, ...place }
  }
}
