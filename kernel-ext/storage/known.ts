import { StorageError } from "../errors.ts"
import type { JobStorage, StorageDescription } from "../protocol/storage.ts"
import { sha256 } from "../util/sha256.ts"

/**
 * The storages of this process by id. A reference says only which storage it means; whoever resolves it finds here how to
 * reach that storage, keys included, so that no key ever travels within a capture, an input or a result.
 */

const known = new Map<string, StorageDescription>()

/** What is in force beside that: a worker asks the task's job, everybody else configuration. */
let surroundings: { job(): JobStorage | undefined } | undefined
let configuration: ((backend: string) => StorageDescription) | undefined

/** Says how a worker finds the storages of the task that runs. */
export function useJobStorage(job: () => JobStorage | undefined): void {
  surroundings = { job }
}

/** Says how a storage is found that nobody made here. */
export function useConfiguredStorage(configured: (backend: string) => StorageDescription): void {
  configuration = configured
}

/** Equal for storages that hold the same objects; made of nothing that is secret. */
export function remember(description: StorageDescription): string {
  const { backend, options, secrets } = description
  const parts = [backend, sorted(options), secrets?.accessKeyId ?? null]
  const id = sha256().update(JSON.stringify(parts)).digest("hex").slice(0, 16)
  known.set(id, description)
  return id
}

/** For a job that is about to be sent. */
export function rememberedStorages(): Readonly<Record<string, StorageDescription>> {
  return Object.fromEntries(known)
}

/** @throws StorageError where this process cannot know it. */
export function findStorage(backend: string, id: string | undefined): StorageDescription {
  const job = surroundings?.job()
  if (id !== undefined) {
    const found = job?.known[id] ?? known.get(id)
    if (found !== undefined) return found
  }
  if (job !== undefined && "backend" in job.own && job.own.backend === backend) return job.own
  if (configuration !== undefined) return configuration(backend)
  if (backend === "localhost")
    throw new StorageError(
      "Files of the notebook's machine are not reached from here, and neither are objects of its storage on files: put them where tasks reach them, such as on S3, or use ctx.storage.",
      { kind: "setup", backend },
    )
  throw new StorageError(
    `No storage "${backend}" is known in this process. Name it in the configuration that the executor is made with, or use ctx.storage.`,
    { kind: "setup", backend },
  )
}

function sorted(options: Readonly<Record<string, unknown>>): unknown {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
}
