import { isMainThread } from "node:worker_threads"
import { makeInstance, runInstanceThread } from "../serverless/http-instance.ts"

/**
 * A function on Google Cloud Functions: Google's framework takes the calls, and lets through only who may call. An instance
 * whose memory is used up ends, and Google starts another.
 */

const server = isMainThread ? start() : undefined
if (!isMainThread) runInstanceThread()

/** What the framework calls. */
export const cellfan: NonNullable<typeof server>["handle"] = (request, response) =>
  server?.handle(request, response)

function start() {
  const isAlone = (process.env.CELLFAN_CONCURRENCY ?? "1") === "1"
  const options = { threadFile: new URL(import.meta.url), token: undefined }
  // Where others run beside it, ending the process would end them too.
  return makeInstance(isAlone ? { ...options, onSpent: () => process.exit(0) } : options).server
}
