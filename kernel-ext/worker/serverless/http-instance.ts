import { randomUUID } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { processMeter, threadMeter } from "../meter.ts"
import { Environment } from "./environment.ts"
import { WorkerServer } from "./http-server.ts"
import { runThread } from "./thread.ts"

/**
 * A process that takes calls by HTTP, as its environment says:
 *
 *     CELLFAN_CONCURRENCY   calls at once (default: 1)
 *     CELLFAN_MEMORY_MIB    what the process may use (default: 512)
 *     CELLFAN_TIMEOUT_MS    the longest time of a call (default: 300000)
 *     CELLFAN_BACKEND       what instances are called (default: container)
 */

/** What the process needs beside the tasks' heap. */
const ownMiB = 64

export interface InstanceOptions {
  /** Runs `runInstanceThread`. */
  readonly threadFile: URL
  readonly token: string | undefined
  readonly onSpent?: () => void
}

const { env } = process
const concurrency = numberIn("CELLFAN_CONCURRENCY", 1)

export function makeInstance({ threadFile, token, onSpent }: InstanceOptions): {
  readonly name: string
  readonly server: WorkerServer
} {
  const memoryMiB = numberIn("CELLFAN_MEMORY_MIB", 512)
  const name = `${env.CELLFAN_BACKEND ?? "container"}:${randomUUID().slice(0, 8)}`
  const environments = Array.from({ length: concurrency }, (_, slot) => {
    return new Environment({
      name: concurrency > 1 ? `${name}.${slot}` : name,
      threadFile,
      cacheFolder: join(tmpdir(), "cellfan"),
      heapMiB: Math.max(32, Math.floor((0.9 * memoryMiB - ownMiB) / concurrency)),
      memoryMiB,
    })
  })
  const timeoutMs = numberIn("CELLFAN_TIMEOUT_MS", 300_000)
  const spent = onSpent === undefined ? {} : { onSpent }
  return { name, server: new WorkerServer({ environments, timeoutMs, token, memoryMiB, ...spent }) }
}

export function runInstanceThread(): void {
  runThread(concurrency > 1 ? threadMeter : processMeter)
}

export function numberIn(name: string, otherwise: number): number {
  const text = env[name]
  if (text === undefined || text === "") return otherwise
  const number = Number(text)
  if (Number.isInteger(number) && number >= 0) return number
  throw new RangeError(`${name} is "${text}"; it takes a whole number.`)
}
