import type { ObjectStorage, StorageCall } from "../protocol/storage.ts"

/**
 * Data that a job leaves in storage while it runs: all of it under one prefix, which says until when it may stay. So whoever
 * lists the bucket knows what is left over, also after the process that wrote it has died:
 *
 *     cellfan.temporary/2026-11-29T14/JOB/…
 *
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
  const until = new Date(Math.ceil((nowMs + maxAgeMs) / hourMs) * hourMs)
  return `${temporaryPrefix}${until.toISOString().slice(0, 13)}/${jobId}/`
}

/** What `clean` is to delete: what is past its time, all of it, or that of one job. */
export type TemporaryScope = "expired" | "all" | { readonly jobId: string }

export interface Cleaned {
  readonly objects: number
  readonly bytes: number
}

export const nothingCleaned: Cleaned = { objects: 0, bytes: 0 }

export function sumCleaned(all: readonly Cleaned[]): Cleaned {
  return all.reduce((a, b) => ({ objects: a.objects + b.objects, bytes: a.bytes + b.bytes }), nothingCleaned)
}

/** As people read it: "3 temporary objects (1.2 MB)". */
export function tellCleaned({ objects, bytes }: Cleaned): string {
  const size =
    bytes < 1000
      ? `${bytes} B`
      : bytes < 1e6
        ? `${(bytes / 1e3).toFixed(1)} kB`
        : `${(bytes / 1e6).toFixed(1)} MB`
  return `${objects} temporary object${objects === 1 ? "" : "s"} (${size})`
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
  let [objects, bytes] = [0, 0]
  let keys: string[] = []
  const now = new Date(nowMs).toISOString().slice(0, 13)
  for await (const { key, sizeBytes } of storage.list(temporaryPrefix, call)) {
    const [, until, jobId] = /^cellfan\.temporary\/(\d{4}-\d\d-\d\dT\d\d)\/([\w.-]+)\//.exec(key) ?? []
    if (until === undefined) continue
    // Keys come in the order of their times.
    if (scope === "expired" && until > now) break
    if (typeof scope === "object" && jobId !== scope.jobId) continue
    keys.push(key)
    objects++
    bytes += sizeBytes
    if (keys.length === 1000) {
      await storage.delete(keys, call)
      keys = []
    }
  }
  await storage.delete(keys, call)
  return { objects, bytes }
}
