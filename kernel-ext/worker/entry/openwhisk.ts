import { isMainThread } from "node:worker_threads"
import type { BufferedAnswer, InvocationEvent } from "../../protocol/invocation.ts"
import { type Action, makeAction } from "../serverless/action.ts"
import { runThread } from "../serverless/thread.ts"

/** An action of OpenWhisk, on its Node.js runtimes. */

/** Of an activation's result, as OpenWhisk is delivered. */
const maxAnswerBytes = 1024 * 1024

const threadFile = new URL(import.meta.url)
const action = isMainThread ? makeAction({ backend: "openwhisk", threadFile, maxAnswerBytes }) : undefined
if (!isMainThread) runThread()

export function main(event: InvocationEvent): Promise<BufferedAnswer> {
  return (action as Action).run(event, Number(process.env.__OW_DEADLINE ?? Date.now() + 60_000))
}
