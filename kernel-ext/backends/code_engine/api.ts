import { BackendError } from "../../errors.ts"
import { type HttpService, type JsonRequest, requestJson } from "../serverless/http.ts"
import { iamMeaning, managementMeaning } from "./errors.ts"

/** How Code Engine is reached. */
export interface CodeEngineAccess {
  /** "eu-de". */
  readonly region?: string | undefined
  /** URL of its REST interface (default: that of the region). */
  readonly endpoint?: string | undefined
  /** URL of IAM (default: IBM's). */
  readonly iamEndpoint?: string | undefined
  /** Called when it is needed, so that it stands nowhere else (default: IBMCLOUD_API_KEY). */
  readonly apiKey?: (() => string) | undefined
}

/** A token is taken anew so long before it expires. */
const renewBeforeMs = 120_000

/**
 * Requests to Code Engine's REST interface, version 2, with a token of IAM.
 *
 * @see https://cloud.ibm.com/apidocs/codeengine/v2
 */
export class CodeEngineApi {
  readonly #access: CodeEngineAccess
  readonly #service: HttpService
  readonly #url: string
  #token: Promise<{ readonly value: string; readonly untilMs: number }> | undefined

  constructor(access: CodeEngineAccess) {
    const { region, endpoint } = access
    if (region === undefined && endpoint === undefined)
      throw new BackendError(
        "Tasks on Code Engine need a region: option `region`, such as eu-de, or `region` in the section ibm of the configuration.",
        { backend: "code_engine", kind: "region", retryable: false },
      )
    this.#access = access
    this.#url = (endpoint ?? `https://api.${region}.codeengine.cloud.ibm.com/v2`).replace(/\/$/, "")
    this.#service = {
      ...{
        name: "code_engine",
        title: "Code Engine",
        place: region ?? this.#url,
        meaningOf: managementMeaning,
      },
      addressHint: endpoint === undefined ? "option `region`" : "option `endpoint`",
    }
  }

  get place(): string {
    return this.#service.place
  }

  async request<T>(path: string, request: JsonRequest) {
    const authorization = `Bearer ${await this.#bearer(request)}`
    return requestJson<T>(this.#service, this.#url + path, { ...request, headers: { authorization } })
  }

  /** All pages of a list. */
  async all<T>(path: string, key: string, request: JsonRequest): Promise<readonly T[]> {
    const found: T[] = []
    for (let start: string | undefined = ""; start !== undefined; ) {
      const query: string = `?limit=100${start === "" ? "" : `&start=${encodeURIComponent(start)}`}`
      const { value } = await this.request<Record<string, readonly T[]> & { next?: { start?: string } }>(
        path + query,
        request,
      )
      found.push(...(value[key] ?? []))
      start = value.next?.start
    }
    return found
  }

  async #bearer({ signal }: JsonRequest): Promise<string> {
    let token = await this.#token?.catch(() => undefined)
    if (token === undefined || token.untilMs < Date.now()) {
      this.#token = this.#login(signal)
      token = await this.#token
    }
    return token.value
  }

  async #login(signal: AbortSignal | undefined) {
    const { iamEndpoint = "https://iam.cloud.ibm.com" } = this.#access
    const apikey = this.#access.apiKey?.() ?? process.env.IBMCLOUD_API_KEY
    if (apikey === undefined || apikey === "")
      throw new BackendError(
        "Tasks on Code Engine need an API key of IBM Cloud: IBMCLOUD_API_KEY, or `apiKey` in the section code_engine of the configuration; https://cloud.ibm.com/iam/apikeys makes one.",
        { backend: "code_engine", kind: "credentials", retryable: false },
      )
    const service = {
      ...this.#service,
      title: "IBM's IAM",
      place: new URL(iamEndpoint).host,
      meaningOf: iamMeaning,
    }
    const form = new URLSearchParams({ grant_type: "urn:ibm:params:oauth:grant-type:apikey", apikey })
    const { value } = await requestJson<{ access_token: string; expires_in: number }>(
      service,
      `${iamEndpoint}/identity/token`,
      { doing: "give a token", method: "POST", form, signal },
    )
    return { value: value.access_token, untilMs: Date.now() + 1000 * value.expires_in - renewBeforeMs }
  }
}
