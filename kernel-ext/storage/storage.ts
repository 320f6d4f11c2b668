import { StorageError } from "../errors.ts"
import type {
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectName,
  ObjectStorage,
  PartitionOptions,
  PutOptions,
  StorageCall,
  StorageDescription,
} from "../protocol/storage.ts"
import { letTravel } from "../util/own.ts"
import { asBody } from "./body.ts"
import { checkOptions } from "./call-options.ts"
import { CloudObject } from "./cloud-object.ts"
import { type Connection, connect } from "./connection.ts"
import { findStorage, remember } from "./known.ts"
import { checkBucket, checkKey, checkPrefix, checkRange, describe } from "./names.ts"
import "./partition.ts"
import type { ObjectPart } from "./partition.ts"
import { deleteLimit, type Place } from "./provider.ts"

/**
 * Object storage: one interface over files and all that speaks S3.
 *
 *     storage.ts       what users hold: names checked, references and bodies in every form
 *     provider.ts      the interface of a provider, and which there are
 *     files.ts         objects as files of this machine; files-walk.ts lists them
 *     s3.ts            Amazon S3, MinIO, Ceph, IBM COS, R2; s3-errors.ts says what went wrong
 *     connection.ts    one provider for all that describe the same storage
 *     known.ts         storages by id, so that references travel and keys do not
 *     cloud-object.ts  a reference that reads its object wherever it is
 *     names.ts         what keys, buckets and ranges may be; call-options.ts which options a call takes
 *     body.ts          what an object may be made from
 *     partition.ts     a part of an object, as a task's input
 *     objects.ts       URLs, paths and patterns → partitions; glob.ts the patterns
 *     source.ts        reading ranges of an object, a file or a URL; http.ts the last; https.ts an authority of its own
 *     lines.ts         bytes → whole lines; compressed.ts what has none
 *     temporary.ts     data of jobs, and its removal
 *
 * All of a worker's storage but this file and the classes of its inputs loads when it is first used.
 */
export class StorageClient implements ObjectStorage {
  readonly #describe: () => StorageDescription
  /** Undefined: the one of the description. */
  readonly #bucket: string | undefined

  /** @param description Or a function that gives it when it is first needed. */
  constructor(description: StorageDescription | (() => StorageDescription), bucket?: string) {
    this.#describe = typeof description === "function" ? description : () => description
    this.#bucket = bucket
  }

  get backend(): string {
    return this.#describe().backend
  }

  get bucket(): string | undefined {
    return this.#bucket ?? this.#describe().bucket
  }

  in(bucket: string): StorageClient {
    return new StorageClient(this.#describe, checkBucket(bucket))
  }

  async put(key: ObjectName, body: ObjectBody, options: PutOptions = {}): Promise<CloudObject> {
    checkOptions(options, "storage.put", ["contentType", "signal"])
    const { connection, place } = await this.#find(key, options.signal)
    const { contentType, signal } = options
    const made = asBody(body)
    await connection.readyFor(place.bucket)
    await connection.provider.put(place, made, { contentType, signal })
    return new CloudObject({ backend: this.#backendOf(key), ...place }, this.#id())
  }

  async get(object: ObjectName, options: GetOptions = {}): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of await this.stream(object, options)) chunks.push(chunk)
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks)
  }

  async text(object: ObjectName, options: GetOptions = {}): Promise<string> {
    const bytes = await this.get(object, options)
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")
  }

  async stream(object: ObjectName, options: GetOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    checkOptions(options, "Reading an object", ["range", "signal"])
    const range = checkRange(options.range)
    const { connection, place } = await this.#find(object, options.signal)
    return connection.provider.get(place, range, options.signal)
  }

  async head(object: ObjectName, call: StorageCall = {}): Promise<ObjectInfo> {
    checkOptions(call, "storage.head", ["signal"])
    const { signal } = call
    const { connection, place } = await this.#find(object, signal)
    return connection.provider.head(place, signal)
  }

  async exists(object: ObjectName, call?: StorageCall): Promise<boolean> {
    try {
      await this.head(object, call)
      return true
    } catch (error) {
      if ((error as { kind?: unknown }).kind === "not-found") return false
      throw error
    }
  }

  async *list(prefix = "", options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    checkOptions(options, "storage.list", ["startAfter", "pageSize", "signal"])
    const { startAfter, pageSize = 1000, signal } = options
    if (startAfter !== undefined && typeof startAfter !== "string")
      throw new TypeError(
        `Option \`startAfter\` of storage.list takes a key, but got ${describe(startAfter)}.`,
      )
    if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 1000)
      throw new RangeError(
        `Option \`pageSize\` of list takes an integer from 1 to 1000, but got ${pageSize}.`,
      )
    const checked = checkPrefix(prefix)
    const connection = await connect(this.#describe())
    const bucket = await this.#bucketOf(connection, signal)
    const pages = connection.provider.list(bucket, { prefix: checked, startAfter, pageSize, signal })
    for await (const page of pages) yield* page
  }

  async delete(
    objects: ObjectName | readonly ObjectName[] | { readonly prefix: string },
    call: StorageCall = {},
  ): Promise<void> {
    checkOptions(call, "storage.delete", ["signal"])
    if (typeof objects === "object" && objects !== null && "prefix" in objects)
      return this.#deleteAll(objects.prefix, call)
    const names = Array.isArray(objects) ? (objects as readonly ObjectName[]) : [objects as ObjectName]
    const byBucket = new Map<string, string[]>()
    let connection: Connection | undefined
    for (const name of names) {
      const found = await this.#find(name, call.signal)
      connection = found.connection
      byBucket.set(found.place.bucket, [...(byBucket.get(found.place.bucket) ?? []), found.place.key])
    }
    for (const [bucket, keys] of byBucket) await deleteKeys(connection, bucket, keys, call)
  }

  /** Page by page: a prefix may have more keys than memory. */
  async #deleteAll(prefix: string, call: StorageCall): Promise<void> {
    if (checkPrefix(prefix) === "")
      throw new TypeError(
        "delete takes a prefix that is not empty: an empty one would delete the whole bucket.",
      )
    const connection = await connect(this.#describe())
    const bucket = await this.#bucketOf(connection, call.signal)
    let keys: string[] = []
    for await (const { key } of this.list(prefix, call)) {
      keys.push(key)
      if (keys.length < deleteLimit) continue
      await deleteKeys(connection, bucket, keys, call)
      keys = []
    }
    await deleteKeys(connection, bucket, keys, call)
  }

  async upload(file: string, key: ObjectName, options?: PutOptions): Promise<CloudObject> {
    const { openFile } = await import("./local-file.ts")
    return this.put(key, await openFile(file), options)
  }

  async download(object: ObjectName, file: string, call: StorageCall = {}): Promise<void> {
    checkOptions(call, "storage.download", ["signal"])
    const { writeFileWhole } = await import("./local-file.ts")
    await writeFileWhole(file, await this.stream(object, call), call.signal)
  }

  async createBucket({ signal }: StorageCall = {}): Promise<void> {
    const connection = await connect(this.#describe())
    await connection.provider.createBucket(await this.#bucketOf(connection, signal), signal)
  }

  /**
   * A URL by which whoever has it reads the object, with no keys of their own, for `validMs` (on Amazon a week at most). The object
   * need not be there yet.
   *
   * @throws StorageError where the storage has no URLs, as files have none.
   */
  async url(key: ObjectName, { validMs }: { readonly validMs: number }): Promise<string> {
    const { connection, place } = await this.#find(key, undefined)
    const url = await connection.provider.presign?.(place, validMs)
    if (url !== undefined) return url
    throw new StorageError(
      `Objects of the storage ${this.backend} cannot be read by a URL; those of S3 can.`,
      {
        ...{ kind: "setup", backend: this.backend },
        ...place,
      },
    )
  }

  async *objects(
    sources: string | readonly string[],
    options: PartitionOptions = {},
  ): AsyncGenerator<ObjectPart> {
    const { partitions } = await import("./objects.ts")
    yield* partitions(sources, options, this)
  }

  /** A reference of another storage would be looked for here, and something else might be found. */
  #backendOf(name: ObjectName): string {
    const { backend } = this
    const given: Partial<ObjectName> | null = name
    if (typeof given !== "string" && typeof (given as { key?: unknown } | null | undefined)?.key !== "string")
      throw new TypeError(
        `An object is named by its key, which is a text, or by a reference, such as put gives; got ${describe(given)}.`,
      )
    if (typeof name !== "string" && name.backend !== backend)
      throw new TypeError(
        `The object ${name.backend}://${name.bucket}/${name.key} stands in another storage than this one, which is ${backend}; read it by its own methods.`,
      )
    return backend
  }

  async #find(
    name: ObjectName,
    signal: AbortSignal | undefined,
  ): Promise<{ connection: Connection; place: Place }> {
    this.#backendOf(name)
    const key = checkKey(typeof name === "string" ? name : name.key)
    const connection = await connect(this.#describe())
    const bucket =
      typeof name === "string" ? await this.#bucketOf(connection, signal) : checkBucket(name.bucket)
    return { connection, place: { bucket, key } }
  }

  #bucketOf(connection: Connection, signal: AbortSignal | undefined): string | Promise<string> {
    return this.bucket ?? connection.ownBucket(signal)
  }

  /** By which its references find it again. */
  #id(): string {
    return remember(this.#describe())
  }

  static {
    letTravel(
      StorageClient,
      "Storage",
      (storage) => ({ backend: storage.backend, bucket: storage.bucket, storage: storage.#id() }),
      (data) => {
        const { backend, bucket, storage } = data as Record<string, unknown>
        const id = typeof storage === "string" ? storage : undefined
        const named = bucket === undefined ? undefined : checkBucket(bucket)
        return new StorageClient(() => findStorage(String(backend), id), named)
      },
    )
  }

  /** As references to its objects say it: for partitions. */
  identify(): { readonly backend: string; readonly storage: string } {
    return { backend: this.backend, storage: this.#id() }
  }
}

async function deleteKeys(
  connection: Connection | undefined,
  bucket: string,
  keys: readonly string[],
  { signal }: StorageCall,
): Promise<void> {
  for (let at = 0; at < keys.length; at += deleteLimit)
    await connection?.provider.delete(bucket, keys.slice(at, at + deleteLimit), signal)
}
