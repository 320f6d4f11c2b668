import { StorageError } from "../../errors.ts"
import type { ContentKey, InvocationEvent, StoredObject } from "../../protocol/invocation.ts"
import type { ObjectReference, StorageDescription } from "../../protocol/storage.ts"
import type { Sending } from "../../protocol/worker.ts"
import { Lease } from "../../storage/lease.ts"
import { StorageClient } from "../../storage/storage.ts"
import {
  type Cleaned,
  cleanTemporary,
  jobPrefix,
  nothingCleaned,
  sumCleaned,
} from "../../storage/temporary.ts"
import { encodeFrame } from "../../util/frames.ts"
import type { CleanScope } from "../backend.ts"
import type { BatchSendings } from "../sendings.ts"

/** Of a request: what stands around the body. */
const envelopeBytes = 16 * 1024

/** Contents that together are smaller travel with every call: to ask for them costs a further call. */
const alwaysBelowBytes = 64 * 1024

/** What of a batch's contents goes along: what costs nothing, or all, since an instance has said that it lacks some. */
export type Sent = "little" | "all"

/**
 * Turns a batch into the event of a call. What fits goes inline; what does not, to storage, each content once, whoever asks
 * for it.
 */
export class Payloads {
  readonly #storage: () => StorageDescription
  readonly #maxBytes: number
  readonly #jobs = new Map<string, JobObjects>()

  /**
   * @param storage Where larger ones go; called when there is one. Throws where none can be reached.
   * @param maxBytes Of a request.
   */
  constructor(storage: () => StorageDescription, maxBytes: number) {
    this.#storage = storage
    this.#maxBytes = maxBytes
  }

  async eventOf(
    { contents, run }: BatchSendings,
    { jobId, timeoutMs, sent }: { jobId: string; timeoutMs: number | undefined; sent: Sent },
  ): Promise<InvocationEvent> {
    const objects = this.#objectsOf(jobId)
    const event = {
      cellfan: 1,
      jobId,
      needs: [...contents.keys()],
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...this.#answerAt(objects),
    } as const
    const frames = new Map([...contents].map(([key, sending]) => [key, frameOf(sending)]))
    const contentBytes = sizeOf([...frames.values()].flat())
    const runFrame = frameOf(run)
    const along = sent === "all" || contentBytes <= alwaysBelowBytes ? frames : jobOnly(frames)
    const inline = [...[...along.values()].flat(), ...runFrame]
    if (this.#fits(inline)) return { ...event, body: base64(inline) }
    const [bodyPart, contentsAt] = await Promise.all([
      this.#fits(runFrame)
        ? { body: base64(runFrame) }
        : this.#put(objects, objects.nextKey("call"), runFrame).then((bodyAt) => ({ bodyAt })),
      this.#contentsAt(objects, along),
    ])
    return { ...event, ...bodyPart, contentsAt }
  }

  /** Reads an answer that went by way of storage. */
  fetch(jobId: string, { key, bucket }: ObjectReference, signal: AbortSignal): Promise<Uint8Array> {
    const storage = this.#storage()
    const client = this.#jobs.get(jobId)?.in(storage) ?? new StorageClient(storage)
    return client.get({ backend: storage.backend, bucket, key }, { signal })
  }

  /** Deletes what the job has in storage. */
  async forget(jobId: string): Promise<void> {
    await this.#jobs.get(jobId)?.delete()
    // Where that did not work, `clean` still knows of it.
    this.#jobs.delete(jobId)
  }

  /** Deletes what these jobs have in storage and what of others is past its time; or that of all that do not live. */
  async clean(scope: CleanScope): Promise<Cleaned> {
    const description = this.#storageIfAny()
    if (description === undefined) return nothingCleaned
    const storage = new StorageClient(description)
    const cleaned: Cleaned[] = []
    for (const [jobId, objects] of this.#jobs)
      if (objects.isStored) cleaned.push(await cleanTemporary(storage, { jobId }))
    try {
      cleaned.push(await cleanTemporary(storage, scope === "all" ? "all" : "expired"))
    } catch (error) {
      // Storage that is not set up, such as one beside the functions that nobody has keys of, is none.
      if (!(error instanceof StorageError && error.kind === "setup" && cleaned.length === 0)) throw error
    }
    return sumCleaned(cleaned)
  }

  /** Holds on to nothing any more: whatever is left is for `clean`. */
  async close(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((objects) => objects.letGo()))
  }

  #fits(buffers: readonly Uint8Array[]): boolean {
    return envelopeBytes + Math.ceil(sizeOf(buffers) / 3) * 4 <= this.#maxBytes
  }

  #objectsOf(jobId: string): JobObjects {
    let objects = this.#jobs.get(jobId)
    if (objects === undefined) {
      objects = new JobObjects(jobPrefix(jobId))
      this.#jobs.set(jobId, objects)
    }
    return objects
  }

  /** Lets the function answer by way of storage, if there is one. */
  #answerAt(objects: JobObjects): Pick<InvocationEvent, "answerAt"> {
    const storage = this.#storageIfAny()
    return storage === undefined ? {} : { answerAt: { key: objects.nextKey("answer"), storage } }
  }

  /** Who has none, or none that functions reach, has it for nothing but what is large: that says why. */
  #storageIfAny(): StorageDescription | undefined {
    try {
      return this.#storage()
    } catch {
      return undefined
    }
  }

  async #contentsAt(
    objects: JobObjects,
    frames: ReadonlyMap<ContentKey, Uint8Array[]>,
  ): Promise<Record<ContentKey, StoredObject>> {
    const entries = [...frames].map(async ([key, frame]) => {
      let stored = objects.contents.get(key)
      if (stored === undefined) {
        stored = this.#put(objects, `${objects.prefix}${key}`, frame)
        objects.contents.set(key, stored)
        stored.catch(() => objects.contents.delete(key))
      }
      return [key, await stored] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  async #put(objects: JobObjects, key: string, frame: Uint8Array[]): Promise<StoredObject> {
    const storage = this.#storage()
    const { backend, bucket } = await objects.in(storage).put(key, Buffer.concat(frame))
    return { storage, backend, bucket, key }
  }
}

/** What a job has in storage, all of it under one prefix. */
class JobObjects {
  readonly prefix: string
  readonly contents = new Map<ContentKey, Promise<StoredObject>>()
  /** Both are there once there is an object. */
  #storage: StorageClient | undefined
  #lease: Lease | undefined
  #next = 0

  constructor(prefix: string) {
    this.prefix = prefix
  }

  get isStored(): boolean {
    return this.#storage !== undefined
  }

  nextKey(kind: string): string {
    return `${this.prefix}${kind}-${this.#next++}`
  }

  /** An object of it is, or is about to be, in this storage. */
  in(description: StorageDescription): StorageClient {
    const storage = new StorageClient(description)
    this.#storage = storage
    this.#lease ??= new Lease(storage, this.prefix)
    return storage
  }

  async letGo(): Promise<void> {
    await this.#lease?.end()
  }

  async delete(): Promise<void> {
    await this.letGo()
    await this.#storage?.delete({ prefix: this.prefix })
  }
}

/** What the tasks of a job share may hold keys, and is small: it goes along. */
function jobOnly(frames: ReadonlyMap<ContentKey, Uint8Array[]>): Map<ContentKey, Uint8Array[]> {
  return new Map(
    [...frames].filter(([key, frame]) => key.startsWith("job-") && sizeOf(frame) <= alwaysBelowBytes),
  )
}

function frameOf({ message, parts }: Sending): Uint8Array[] {
  return encodeFrame(message, parts)
}

function sizeOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

function base64(buffers: readonly Uint8Array[]): string {
  return Buffer.concat(buffers).toString("base64")
}
