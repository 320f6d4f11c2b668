import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMainThread } from "node:worker_threads"
import { processMeter, threadMeter } from "../meter.ts"
import { Environment } from "../serverless/environment.ts"
import { WorkerServer } from "../serverless/http-server.ts"
import { runThread } from "../serverless/thread.ts"

/**
 * A container that takes calls by HTTP: on Cloud Run, Knative, Code Engine, and whatever else runs containers so.
 *
 *     PORT                  where it listens (default: 8080)
 *     CELLFAN_TOKEN         what calls must carry; or the file that has it: CELLFAN_TOKEN_FILE
 *     CELLFAN_AUTH          "platform": no token is needed, since the platform lets through only who may call
 *     CELLFAN_CONCURRENCY   calls at once (default: 1)
 *     CELLFAN_MEMORY_MIB    what the container may use (default: 512)
 *     CELLFAN_TIMEOUT_MS    the longest time of a call (default: 300000)
 *     CELLFAN_BACKEND       what instances are called (default: container)
 */

/** What the process needs beside the tasks' heap. */
const ownMiB = 64

const { env } = process
const concurrency = numberIn("CELLFAN_CONCURRENCY", 1)
const memoryMiB = numberIn("CELLFAN_MEMORY_MIB", 512)

if (isMainThread) await start()
else runThread(concurrency > 1 ? threadMeter : processMeter)

async function start(): Promise<void> {
  const name = `${env.CELLFAN_BACKEND ?? "container"}:${randomUUID().slice(0, 8)}`
  const environments = Array.from({ length: concurrency }, (_, slot) => {
    return new Environment({
      name: concurrency > 1 ? `${name}.${slot}` : name,
      threadFile: new URL(import.meta.url),
      cacheFolder: join(tmpdir(), "cellfan"),
      heapMiB: Math.max(32, Math.floor((0.9 * memoryMiB - ownMiB) / concurrency)),
      memoryMiB,
    })
  })
  const timeoutMs = numberIn("CELLFAN_TIMEOUT_MS", 300_000)
  const server = new WorkerServer({ environments, timeoutMs, token: tokenOf(), memoryMiB, onSpent: end })
  // The first process of a container has no handlers of the system's. Whoever sent the signal ends what takes too long.
  process.once("SIGTERM", end).once("SIGINT", end)
  const port = await server.listen(numberIn("PORT", 8080))
  console.log(`${name} takes calls on port ${port}.`)

  function end(): void {
    void server.close().then(() => process.exit(0))
  }
}

function tokenOf(): string | undefined {
  if (env.CELLFAN_AUTH === "platform") return undefined
  const file = env.CELLFAN_TOKEN_FILE
  const token = file === undefined ? env.CELLFAN_TOKEN : readFileSync(file, "utf8").trim()
  // Tasks have no business with it.
  delete env.CELLFAN_TOKEN
  if (token !== undefined && token.length >= 16) return token
  throw new Error(
    "Whoever can call this worker can run code in it. Set CELLFAN_TOKEN to a secret of 16 characters or more, or CELLFAN_AUTH=platform where only those who may call get through.",
  )
}

function numberIn(name: string, otherwise: number): number {
  const text = env[name]
  if (text === undefined || text === "") return otherwise
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0) return number
  throw new RangeError(`${name} is "${text}"; it takes a whole number.`)
}
