import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Writable } from "node:stream"
import { isMainThread } from "node:worker_threads"
import type { BufferedAnswer, InvocationEvent, Said } from "../../protocol/invocation.ts"
import { bufferedAnswer } from "../serverless/answer.ts"
import { Environment } from "../serverless/environment.ts"
import { answerInParts } from "../serverless/in-parts.ts"
import { runThread } from "../serverless/thread.ts"

/** A function on Amazon Lambda, on its Node.js runtimes and whatever calls a handler as they do. */

interface Context {
  getRemainingTimeInMillis(): number
}

type Streaming = (event: InvocationEvent, answer: Writable, context: Context) => Promise<void>

/** What Lambda's Node.js runtimes define for functions that answer in parts. */
declare const awslambda: { streamifyResponse(handler: Streaming): unknown }

/** Of a whole answer. */
const maxAnswerBytes = 6 * 1024 * 1024

/** What the process needs beside the tasks' heap. */
const ownMiB = 64

const environment = isMainThread ? start() : undefined
if (!isMainThread) runThread()

export const handler =
  process.env.CELLFAN_STREAMS === "1" && isMainThread ? awslambda.streamifyResponse(streamed) : whole

function start(): Environment {
  const memoryMiB = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 1769)
  return new Environment({
    name: `aws_lambda:${randomUUID().slice(0, 8)}`,
    threadFile: new URL(import.meta.url),
    cacheFolder: join(tmpdir(), "cellfan"),
    heapMiB: Math.max(32, Math.floor(0.9 * memoryMiB - ownMiB)),
  })
}

async function whole(event: InvocationEvent, context: Context): Promise<BufferedAnswer> {
  const said: Said[] = []
  const end = await (environment as Environment).run(event, {
    remainingMs: () => context.getRemainingTimeInMillis(),
    tell: (one) => said.push(one),
  })
  return bufferedAnswer({ environment: (environment as Environment).name, said, end }, event, maxAnswerBytes)
}

async function streamed(event: InvocationEvent, answer: Writable, context: Context): Promise<void> {
  const call = { remainingMs: () => context.getRemainingTimeInMillis() }
  answer.end(await answerInParts(environment as Environment, event, call, (part) => answer.write(part)))
}
