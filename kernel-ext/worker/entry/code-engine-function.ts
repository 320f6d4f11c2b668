import { timingSafeEqual } from "node:crypto"
import { isMainThread } from "node:worker_threads"
import type { InvocationEvent } from "../../protocol/invocation.ts"
import { type Action, makeAction } from "../serverless/action.ts"
import { tokenHeader } from "../serverless/http-server.ts"
import { runThread } from "../serverless/thread.ts"

/**
 * A function of Code Engine, on its Node.js runtime. Its address is open to the world: calls carry the token that CELLFAN_TOKEN has. Requests and answers
 * are bytes to Code Engine, which escapes what it takes for text.
 *
 * @see https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-exchanging-data
 */

interface Asked {
  readonly __ce_headers?: Readonly<Record<string, string>>
  /** In base64. */
  readonly __ce_body?: string
}

interface Answered {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const { env } = process
const token = env.CELLFAN_TOKEN ?? ""
// Tasks have no business with it.
delete env.CELLFAN_TOKEN
const timeoutMs = Number(env.CELLFAN_TIMEOUT_MS ?? 60_000)

const action = isMainThread ? start() : undefined
if (!isMainThread) runThread()

function start(): Action {
  const maxAnswerBytes = Number(env.CELLFAN_ANSWER_BYTES ?? 1024 * 1024)
  return makeAction({ backend: "code_engine", threadFile: new URL(import.meta.url), maxAnswerBytes })
}

export async function main({ __ce_headers = {}, __ce_body = "" }: Asked): Promise<Answered> {
  const deadlineMs = Date.now() + timeoutMs
  if (!mayCall(__ce_headers)) return text(401, "The call has not the token of this function.")
  let event: InvocationEvent
  try {
    event = JSON.parse(Buffer.from(__ce_body, "base64").toString("utf8"))
  } catch {
    return text(400, "A call is a JSON object: an event of cellfan.")
  }
  const answer = await (action as Action).run(event, deadlineMs)
  if (!("body" in answer)) return text(200, JSON.stringify(answer))
  return { statusCode: 200, headers: { "content-type": "application/octet-stream" }, body: answer.body }
}

function text(statusCode: number, body: string): Answered {
  return { statusCode, headers: { "content-type": "text/plain" }, body }
}

/** Names of headers come in any case. */
function mayCall(headers: Readonly<Record<string, string>>): boolean {
  const [, said = ""] = Object.entries(headers).find(([name]) => name.toLowerCase() === tokenHeader) ?? []
  const [given, wanted] = [Buffer.from(said), Buffer.from(token)]
  return wanted.length >= 16 && given.length === wanted.length && timingSafeEqual(given, wanted)
}
