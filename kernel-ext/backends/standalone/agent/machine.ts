import { readFileSync } from "node:fs"
import { freemem, loadavg, totalmem } from "node:os"
import { usableCpus } from "../../../util/cpus.ts"

/** The machine that an agent runs on. */

/** What a worker process needs, with room for its tasks' data. */
const workerMiB = 256

const mebibyte = 1024 * 1024

/** One worker for each processor that this process may use, and no more than memory has room for. */
export function defaultWorkers(): number {
  return Math.max(1, Math.min(usableCpus(), Math.floor(memoryBytes() / mebibyte / workerMiB)))
}

/** What this process may use: less than the machine has, where a container says so. */
function memoryBytes(): number {
  const limit = process.constrainedMemory?.() ?? 0
  const total = totalmem()
  return limit > 0 && limit < total ? limit : total
}

export function load(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100
}

/** Memory that is in use, 0 to 1. */
export function memoryInUse(): number {
  return Math.round((1 - availableBytes() / totalmem()) * 100) / 100
}

/** What processes could still have: what is free, and what caches would give back. */
function availableBytes(): number {
  try {
    const [, kibibytes] = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8")) ?? []
    if (kibibytes !== undefined) return Number(kibibytes) * 1024
  } catch {
    // No Linux.
  }
  return freemem()
}

const metadataUrl = "http://169.254.169.254/latest"

/**
 * Whether Amazon is about to take this instance away, as its metadata service says: two minutes before it does.
 *
 * @returns the reason, in words.
 */
export async function awsNotice(
  url = process.env.CELLFAN_METADATA_URL ?? metadataUrl,
): Promise<string | undefined> {
  const signal = AbortSignal.timeout(2000)
  try {
    const token = await fetch(`${url}/api/token`, {
      method: "PUT",
      headers: { "X-aws-ec2-metadata-token-ttl-seconds": "300" },
      signal,
    })
    const headers = { "X-aws-ec2-metadata-token": await token.text() }
    const answer = await fetch(`${url}/meta-data/spot/instance-action`, { headers, signal })
    if (!answer.ok) return undefined
    const { action = "terminate", time = "soon" } = (await answer.json()) as {
      action?: string
      time?: string
    }
    return `Amazon takes the spot instance away (${action}, ${time})`
  } catch {
    return undefined
  }
}
