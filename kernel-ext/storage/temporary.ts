import type { ObjectInfo, ObjectStorage, StorageCall } from "../protocol/storage.ts"
import { livesForMs } from "./lease.ts"

/**
 * Data that a job leaves in storage while it runs: all of it under one prefix, which says until when it may stay. So whoever
 * lists the bucket knows what is left over, also after the process that wrote it has died:
 *
 *     cellfan.temporary/2026-11-29T14/JOB/…
 *
 * While the job lives, something of it is written anew from time to time: lease.ts.
 * A lifecycle rule of the bucket for `cellfan.temporary/` does the same without anybody calling `clean`.
 */
export const temporaryPrefix = "cellfan.temporary/"

const hourMs = 3_600_000

/** How old a job's data may get where nobody says. */
export const temporaryMaxAgeMs = 7 * 24 * hourMs

/** The prefix of a job's data, with a slash at its end. It may be deleted once `maxAgeMs` have passed. */
export function jobPrefix(jobId: string, maxAgeMs = temporaryMaxAgeMs, nowMs = Date.now()): string {
  if (!/^[\w.-]+$/.test(jobId))
    throw new TypeError(`A job's id has letters, digits, "-", "." and "_", but got ${jobId}.`)
  // The full hour behind it, so that an hour's name is never too early.
  const untilMs = Math.ceil((nowMs + maxAgeMs) / hourMs) * hourMs
  return `${temporaryPrefix}${hourOf(untilMs)}/${jobId}/`
}

/** What `clean` is to delete: what is past its time; all but the data of jobs that live; or that of one job. */
export type TemporaryScope = "expired" | "all" | { readonly jobId: string }

export interface Cleaned {
  readonly objects: number
  readonly bytes: number
  /** Jobs that live, or did so minutes ago: their data were left. */
  readonly leftJobs: readonly string[]
}

export const nothingCleaned: Cleaned = { objects: 0, bytes: 0, leftJobs: [] }

export function sumCleaned(all: readonly Cleaned[]): Cleaned {
  return {
    objects: all.reduce((sum, { objects }) => sum + objects, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    leftJobs: [...new Set(all.flatMap(({ leftJobs }) => leftJobs))],
  }
}

/** As people read it: "3 temporary objects (1.2 MB)". */
export function tellCleaned({ objects, bytes, leftJobs: { length: left } }: Cleaned): string {
  const size =
    bytes < 1000
      ? `${bytes} B`
      : bytes < 1e6
        ? `${(bytes / 1e3).toFixed(1)} kB`
        : `${(bytes / 1e6).toFixed(1)} MB`
  const lives = `which ${left === 1 ? "runs" : "run"} or ended less than ${livesForMs / 60_000} minutes ago`
  const kept = left === 0 ? "" : `, and left those of ${left} job${left === 1 ? "" : "s"}, ${lives}`
  return `${objects} temporary object${objects === 1 ? "" : "s"} (${size})${kept}`
}

/** Deletes data that jobs left behind. What does not look like theirs is left alone. */
export async function cleanTemporary(
  storage: ObjectStorage,
  scope: TemporaryScope,
  call: StorageCall = {},
  nowMs = Date.now(),
): Promise<Cleaned> {
  try {
    return await cleanFound(storage, scope, call, nowMs)
  } catch (error) {
    // A bucket that was never needed was never made.
    if ((error as { kind?: unknown }).kind === "not-found") return nothingCleaned
    throw error
  }
}

async function cleanFound(
  storage: ObjectStorage,
  scope: TemporaryScope,
  call: StorageCall,
  nowMs: number,
): Promise<Cleaned> {
  const cleaned = { objects: 0, bytes: 0, leftJobs: [] as string[] }
  let keys: string[] = []
  const now = hourOf(nowMs)
  for await (const { jobId, until, objects } of jobsIn(storage, call)) {
    // They come in the order of their times.
    if (scope === "expired" && until > now) break
    if (typeof scope === "object" && jobId !== scope.jobId) continue
    const newest = objects.reduce((ms, { modifiedAtMs }) => Math.max(ms, modifiedAtMs), 0)
    if (scope === "all" && until > now && newest > nowMs - livesForMs) {
      cleaned.leftJobs.push(jobId)
      continue
    }
    for (const { key, sizeBytes } of objects) {
      keys.push(key)
      cleaned.objects++
      cleaned.bytes += sizeBytes
      if (keys.length < 1000) continue
      await storage.delete(keys, call)
      keys = []
    }
  }
  await storage.delete(keys, call)
  return cleaned
}

interface JobData {
  readonly jobId: string
  readonly until: string
  readonly objects: ObjectInfo[]
}

async function* jobsIn(storage: ObjectStorage, call: StorageCall): AsyncIterable<JobData> {
  let job: JobData | undefined
  for await (const object of storage.list(temporaryPrefix, call)) {
    const [, until, jobId] = /^cellfan\.temporary\/(\d{4}-\d\d-\d\dT\d\d)\/([\w.-]+)\//.exec(object.key) ?? []
    if (until === undefined || jobId === undefined) continue
    if (job !== undefined && (job.jobId !== jobId || job.until !== until)) {
      yield job
      job = undefined
    }
    job ??= { jobId, until, objects: [] }
    job.objects.push(object)
  }
  if (job !== undefined) yield job
}

function hourOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13)
}
