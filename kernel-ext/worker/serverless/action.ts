import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { BufferedAnswer, InvocationEvent, Said } from "../../protocol/invocation.ts"
import { encodeBlock } from "../../util/blocks.ts"
import { bufferedAnswer } from "./answer.ts"
import { Environment } from "./environment.ts"

/**
 * An action as OpenWhisk has them, and what came of it: called with a value, one call at a time, it answers with a value. CELLFAN_MEMORY_MIB is
 * what its process may use.
 */

/** What the process needs beside the tasks' heap: here there is a web server of the runtime's in it. */
const ownMiB = 80

export interface ActionOptions {
  /** What instances are called: the backend. */
  readonly backend: string
  /** Runs `runThread`. */
  readonly threadFile: URL
  /** Of an answer; what is larger goes to storage. */
  readonly maxAnswerBytes: number
}

export interface Action {
  /** Never rejects: an error would end the container, with all that it keeps. */
  run(event: InvocationEvent, deadlineMs: number): Promise<BufferedAnswer>
}

export function makeAction({ backend, threadFile, maxAnswerBytes }: ActionOptions): Action {
  const memoryMiB = Number(process.env.CELLFAN_MEMORY_MIB ?? 256)
  const name = `${backend}:${randomUUID().slice(0, 8)}`
  const environment = new Environment({
    ...{ name, threadFile, memoryMiB, cacheFolder: join(tmpdir(), "cellfan") },
    heapMiB: Math.max(32, Math.floor(0.9 * memoryMiB - ownMiB)),
  })
  return { run }

  async function run(event: InvocationEvent, deadlineMs: number): Promise<BufferedAnswer> {
    const atMs = performance.now()
    try {
      const said: Said[] = []
      const end = await environment.run(event, {
        remainingMs: () => deadlineMs - Date.now(),
        tell: (one) => said.push(one),
      })
      return await bufferedAnswer({ environment: name, said, end }, event, maxAnswerBytes)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      const durationMs = Math.ceil(performance.now() - atMs)
      const end = { durationMs, outcome: { kind: "refused", problem } } as const
      const block = encodeBlock({ environment: name, said: [], end })
      return { cellfan: 1, body: Buffer.from(block).toString("base64") }
    }
  }
}
