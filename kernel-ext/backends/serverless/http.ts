import { setTimeout as sleep } from "node:timers/promises"
import { BackendError, type BackendErrorKind } from "../../errors.ts"
import type { InvocationEvent } from "../../protocol/invocation.ts"
import { type HttpAnswer, type HttpRequest, sendRequest, textOf } from "../../util/http.ts"
import { codeOf, notReached, withoutUser } from "../../util/service-errors.ts"
import type { Answer } from "./answer.ts"
import type { CallEnd } from "./platform.ts"
import { heededMs, pauseMs, retryOf } from "./retry.ts"

/**
 * Platforms that are spoken to by HTTP: requests to what manages their functions, and calls of these. Both end in an answer
 * or in a BackendError that says what the service meant.
 */
export interface HttpService {
  /** The backend: "knative". */
  readonly name: string
  /** "Knative": in sentences. */
  readonly title: string
  /** For people: the region, the cluster, the host. */
  readonly place: string
  /** What an answer means that is no success. Undefined: what its status says. */
  meaningOf(refusal: Refusal): Meaning | undefined
  /** Connections: an authority of one's own, and the like. */
  readonly connection?: Pick<HttpRequest, "authority" | "identity" | "insecure">
  /** What to look at where nothing answers: "option `endpoint`". */
  readonly addressHint: string
}

/** An answer that is no success. */
export interface Refusal {
  readonly status: number
  readonly text: string
}

/** Carries it to where it is known what was being done. */
export class RefusedAnswer extends Error {
  readonly answer: HttpAnswer
  readonly text: string

  constructor(answer: HttpAnswer, text: string) {
    super(`HTTP ${answer.status}: ${text}`)
    this.answer = answer
    this.text = text
  }
}

export interface Meaning {
  readonly kind: BackendErrorKind
  /** Follows "could not …: "; says what can be done. */
  readonly what: string
}

export interface JsonRequest {
  /** Follows the service: "could not …". */
  readonly doing: string
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly headers?: Readonly<Record<string, string>>
  /** Goes as JSON. */
  readonly body?: object | undefined
  /** Goes as a form's fields do. */
  readonly form?: URLSearchParams
  /** Statuses that are told as they are, beside those of success. */
  readonly expected?: readonly number[]
  /** How often it is tried (default: 5). */
  readonly tries?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Tries where reasons pass. To make something twice is no harm: what is there already has the name. */
const usualTries = 5
const firstPauseMs = 200

/** Sends a request, again where that may help. Resolves with the status and what the answer has as JSON. */
export async function requestJson<T>(
  service: HttpService,
  url: string,
  { doing, method = "GET", headers = {}, body, form, expected = [], tries, signal }: JsonRequest,
): Promise<{ readonly status: number; readonly value: T }> {
  const type = form === undefined ? "application/json" : "application/x-www-form-urlencoded"
  const text = form?.toString() ?? (body && JSON.stringify(body))
  const request = {
    ...{ ...service.connection, method, signal },
    headers: { accept: "application/json", ...(text !== undefined && { "content-type": type }), ...headers },
    ...(text !== undefined && { body: text }),
  }
  return triedAgain(service, { doing, tries, signal }, async () => {
    const answer = await sendRequest(url, request)
    const { status } = answer
    const text = await textOf(answer)
    if (status >= 400 && !expected.includes(status)) throw new RefusedAnswer(answer, text)
    return { status, value: parsed(text) as T }
  })
}

/** Asks again where that may help; rejects with what the last try met, in our words. */
export async function triedAgain<T>(
  service: HttpService,
  { doing, tries: most = usualTries, signal }: Pick<JsonRequest, "doing" | "tries" | "signal">,
  ask: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      signal?.throwIfAborted()
      const told = tellHttp(error, service, doing)
      if (!told.retryable || tries >= most) throw told
      await sleep(heededMs(told.retryAfterMs) || pauseMs(tries, firstPauseMs), undefined, { signal })
    }
  }
}

/** How long a call may say nothing: what answers it says something every ten seconds, once it has begun. */
const silentMs = 900_000

/** Calls a worker that answers in parts (worker/serverless/http-server.ts), once. */
export async function callWorker(
  service: HttpService,
  { url, headers, doing }: { url: string; headers: Readonly<Record<string, string>>; doing: string },
  event: InvocationEvent,
  answer: Answer,
  signal: AbortSignal,
): Promise<CallEnd> {
  let isAnswering = false
  try {
    const got = await sendRequest(url, {
      ...{ ...service.connection, method: "POST", body: JSON.stringify(event), signal, silentMs },
      headers: { "content-type": "application/json", ...headers },
    })
    if (got.status !== 200) throw new RefusedAnswer(got, await textOf(got))
    isAnswering = true
    // Where answers come as one value, it may stand in storage: then this says where.
    if (got.headers["content-type"]?.startsWith("text/plain")) await answer.pushJson(await textOf(got))
    else for await (const chunk of got.body) answer.push(chunk as Buffer)
    return answer.ended()
  } catch (error) {
    throw isAnswering && !signal.aborted ? brokenOff(error, service) : tellHttp(error, service, doing)
  }
}

/** An error of a request, in our words. */
export function tellHttp(error: unknown, service: HttpService, doing: string): BackendError {
  if (error instanceof BackendError) return error
  if (error instanceof RefusedAnswer) return refused(service, doing, error)
  return told(service, doing, networkMeaning(error as Error, service), { cause: error })
}

function refused(service: HttpService, doing: string, { answer, text }: RefusedAnswer): BackendError {
  const { status, headers } = answer
  const meaning = service.meaningOf({ status, text }) ?? byStatus(status, text)
  const requestId = headers["x-request-id"] ?? headers["x-transaction-id"] ?? headers["audit-id"]
  return told(service, doing, meaning, {
    status,
    ...(typeof requestId === "string" && { requestId }),
    retryAfterMs: 1000 * (Number(headers["retry-after"]) || 0),
  })
}

/** Somebody has ended the instance, or the way to it, and did not say why. The message follows "the worker". */
function brokenOff(error: unknown, { name }: HttpService): BackendError {
  const { message } = error as Error
  return new BackendError(
    `was ended in mid-answer, or the connection to it was (${message}); where that is for lack of memory, a larger \`memoryMiB\` helps`,
    { backend: name, kind: "crashed", retryable: true, cause: error },
  )
}

/** An error that says what could not be done, and why. */
export function told(
  { name, title, place }: HttpService,
  doing: string,
  { kind, what }: Meaning,
  { status, requestId, retryAfterMs, cause }: Said = {},
): BackendError {
  const words = [status && `HTTP ${status}`, requestId && `request ${requestId}`].filter(Boolean)
  const aside = words.length === 0 ? "" : ` (${words.join(", ")})`
  return new BackendError(`${title} in ${place} could not ${doing}: ${what}${aside}.`, {
    ...{ backend: name, kind, retryable: retryOf[kind] !== "never", requestId, retryAfterMs },
    ...(cause !== undefined && { cause }),
  })
}

interface Said {
  readonly status?: number
  readonly requestId?: string
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

function networkMeaning(error: Error, { addressHint }: HttpService): Meaning {
  const message = withoutUser(error.message)
  switch (notReached(error)) {
    case "no-host":
      return { kind: "setup", what: `there is no host of that name; look at ${addressHint}: ${message}` }
    case "untrusted":
      return { kind: "setup", what: `the certificate of the service is not trusted (${codeOf(error)})` }
    case "refused":
      return {
        kind: "network",
        what: `nothing answers there; look at ${addressHint}, and whether it runs: ${message}`,
      }
    case "broken":
      return { kind: "network", what: `it was not reached, or its answer was lost: ${message}` }
    case undefined:
      return { kind: "other", what: message }
  }
}

/** What a status means where the service's own words say no more. */
export function byStatus(status: number, text: string): Meaning {
  const said = messageIn(text)
  if (status === 401) return { kind: "credentials", what: `the credentials are not accepted: ${said}` }
  if (status === 403) return { kind: "access-denied", what: `these credentials may not do that: ${said}` }
  if (status === 404) return { kind: "not-found", what: `it is not there: ${said}` }
  if (status === 413) return { kind: "too-large", what: `the request is larger than it takes: ${said}` }
  if (status === 429) return { kind: "throttled", what: `it takes no more calls now: ${said}` }
  if (status >= 500) return { kind: "unavailable", what: `it cannot answer now: ${said}` }
  return { kind: "other", what: said }
}

/** Of a call that found no instance to answer it. @param logs The command that shows what instances said. */
export function noAnswer(said: string, logs: string): Meaning {
  const what = `no instance answers now: ${said}; where that goes on, its instances do not start, and \`${logs}\` says why`
  return { kind: "unavailable", what }
}

/** The sentence in an answer: services put it at one of a few places. */
export function messageIn(text: string): string {
  const { error, message, errors, errorMessage } = (parsed(text) ?? {}) as SomeError
  const found = [
    message,
    (error as SomeError | undefined)?.message,
    error,
    errors?.[0]?.message,
    errorMessage,
  ]
  const said = found.find((one) => typeof one === "string" && one !== "") ?? plain(text).slice(0, 300)
  return String(said).replace(/\.$/, "") || "it does not say why"
}

interface SomeError {
  readonly error?: unknown
  readonly message?: unknown
  readonly errors?: readonly { readonly message?: unknown }[]
  readonly errorMessage?: unknown
}

/** What stands between a worker and its caller answers with pages. */
function plain(text: string): string {
  return text
    .replaceAll(/<(style|script|title)[^>]*>[\s\S]*?<\/\1>/g, " ")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
