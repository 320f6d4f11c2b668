import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMainThread } from "node:worker_threads"
import type { BufferedAnswer, InvocationEvent, Said } from "../../protocol/invocation.ts"
import { encodeBlock } from "../../util/blocks.ts"
import { bufferedAnswer } from "../serverless/answer.ts"
import { Environment } from "../serverless/environment.ts"
import { runThread } from "../serverless/thread.ts"

/**
 * An action of OpenWhisk, on its Node.js runtimes. An error that `main` throws ends the container, with all that it keeps:
 * so it throws none.
 */

/** Of an activation's result, as OpenWhisk is delivered. */
const maxAnswerBytes = 1024 * 1024

/** What the process needs beside the tasks' heap: here there is a web server of the runtime's in it. */
const ownMiB = 80

const environment = isMainThread ? start() : undefined
if (!isMainThread) runThread()

function start(): Environment {
  const memoryMiB = Number(process.env.CELLFAN_MEMORY_MIB ?? 256)
  return new Environment({
    name: `openwhisk:${randomUUID().slice(0, 8)}`,
    threadFile: new URL(import.meta.url),
    cacheFolder: join(tmpdir(), "cellfan"),
    heapMiB: Math.max(32, Math.floor(0.9 * memoryMiB - ownMiB)),
    memoryMiB,
  })
}

export async function main(event: InvocationEvent): Promise<BufferedAnswer> {
  const { name } = environment as Environment
  const atMs = performance.now()
  try {
    const said: Said[] = []
    const deadlineMs = Number(process.env.__OW_DEADLINE ?? Date.now() + 60_000)
    const end = await (environment as Environment).run(event, {
      remainingMs: () => deadlineMs - Date.now(),
      tell: (one) => said.push(one),
    })
    return await bufferedAnswer({ environment: name, said, end }, event, maxAnswerBytes)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const durationMs = Math.ceil(performance.now() - atMs)
    const block = encodeBlock({
      environment: name,
      said: [],
      end: { durationMs, outcome: { kind: "refused", problem } },
    })
    return { cellfan: 1, body: Buffer.from(block).toString("base64") }
  }
}
