import { createWriteStream } from "node:fs"
import { mkdir, open, readdir, rename, rm, rmdir, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { StorageError, type StorageErrorKind } from "../errors.ts"
import type { ByteRange, ObjectInfo, StorageDescription } from "../protocol/storage.ts"
import { changedMeanwhile } from "./errors.ts"
import { byKey, walk } from "./files-walk.ts"
import { fileKeyProblem, quote } from "./names.ts"
import type { Body, ListCall, Place, Provider, PutCall } from "./provider.ts"

/**
 * Objects as files: `root`/bucket/key. They are plain files, to be looked at and put there with any other program.
 *
 * Limits that S3 does not have: a key cannot be both an object and the folder of others (`a` and `a/b`), a part of a key has
 * at most 255 bytes, and content types are not kept.
 */

export interface FilesOptions {
  /** Absolute folder that holds the buckets. */
  readonly root: string
}

/** Beside the buckets, whose names cannot begin with a dot: what is being written. */
const writingFolder = ".writing"

const defaultBucket = "storage"

export function openFiles(description: StorageDescription): Provider {
  const { root } = description.options as unknown as FilesOptions
  return new Files(root)
}

class Files implements Provider {
  readonly #root: string
  #count = 0

  constructor(root: string) {
    this.#root = root
  }

  async defaultBucket(): Promise<string> {
    return defaultBucket
  }

  async put(object: Place, body: Body, { signal }: PutCall): Promise<void> {
    const path = this.#path(object)
    const temporary = join(this.#root, writingFolder, `${process.pid}-${Date.now()}-${this.#count++}`)
    try {
      await mkdir(dirname(temporary), { recursive: true, mode: 0o700 })
      const source = body.kind === "bytes" ? Readable.from([body.bytes]) : Readable.from(body.stream)
      await pipeline(source, createWriteStream(temporary, { flags: "wx" }), { signal })
      await this.#place(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw this.#told(error, "written", object, signal)
    }
  }

  /** Someone who deletes the last object of a folder removes the folder: then it is made again. */
  async #place(temporary: string, path: string, triesLeft = 3): Promise<void> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    try {
      await rename(temporary, path)
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || triesLeft === 0) throw error
      await this.#place(temporary, path, triesLeft - 1)
    }
  }

  async get(
    object: Place,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
    wanted?: string,
  ): Promise<AsyncIterable<Uint8Array>> {
    try {
      signal?.throwIfAborted()
      const { sizeBytes, etag } = await this.head(object, signal)
      if (wanted !== undefined && etag !== wanted) throw this.#error("other", object, changedMeanwhile.what)
      if (range !== undefined && range.start >= sizeBytes && range.start > 0)
        throw this.#error("range", object, `has ${sizeBytes} bytes, and the range begins at ${range.start}`)
      if (range?.end === range?.start && range !== undefined) return Readable.from([])
      const file = await open(this.#path(object), "r")
      const bounds = range === undefined ? {} : { start: range.start, end: (range.end ?? sizeBytes) - 1 }
      const stream = file.createReadStream({ ...bounds, ...(signal && { signal }) })
      return this.#reading(stream, object, signal)
    } catch (error) {
      throw this.#told(error, "read", object, signal)
    }
  }

  async *#reading(stream: AsyncIterable<Uint8Array>, object: Place, signal: AbortSignal | undefined) {
    try {
      yield* stream
    } catch (error) {
      throw this.#told(error, "read", object, signal)
    }
  }

  async head(object: Place, signal: AbortSignal | undefined): Promise<ObjectInfo> {
    try {
      signal?.throwIfAborted()
      const found = await stat(this.#path(object))
      if (!found.isFile()) throw this.#error("not-found", object, "is a folder, not an object")
      return infoOf(object, found)
    } catch (error) {
      throw this.#told(error, "read", object, signal)
    }
  }

  async *list(
    bucket: string,
    { prefix, startAfter, pageSize, signal }: ListCall,
  ): AsyncIterable<readonly ObjectInfo[]> {
    const folder = join(this.#root, bucket)
    let keys: string[] = []
    try {
      await readdir(folder)
      for await (const key of walk(folder, prefix)) {
        signal?.throwIfAborted()
        if (startAfter !== undefined && byKey(key, startAfter) <= 0) continue
        keys.push(key)
        if (keys.length < pageSize) continue
        yield await this.#infos(bucket, keys)
        keys = []
      }
      if (keys.length > 0) yield await this.#infos(bucket, keys)
    } catch (error) {
      throw this.#told(error, "listed", { bucket, key: "" }, signal)
    }
  }

  /** Of those that are still there. */
  async #infos(bucket: string, keys: readonly string[]): Promise<readonly ObjectInfo[]> {
    const infos = keys.map(async (key) => {
      const found = await stat(join(this.#root, bucket, key)).catch(() => undefined)
      return found?.isFile() ? infoOf({ bucket, key }, found) : undefined
    })
    return (await Promise.all(infos)).filter((info) => info !== undefined)
  }

  async delete(bucket: string, keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (const key of keys) {
      signal?.throwIfAborted()
      const object = { bucket, key }
      try {
        await rm(this.#path(object))
        await this.#removeEmpty(dirname(this.#path(object)), join(this.#root, bucket))
      } catch (error) {
        // A folder of other objects is no object, and neither is what stands below an object.
        if (!["ENOENT", "ENOTDIR", "EISDIR", "ERR_FS_EISDIR"].includes(codeOf(error) ?? ""))
          throw this.#told(error, "deleted", object, signal)
      }
    }
  }

  /** Folders have no meaning of their own: an empty one goes, and so does the one around it. */
  async #removeEmpty(folder: string, bucket: string): Promise<void> {
    for (let at = folder; at !== bucket; at = dirname(at)) {
      const removed = await rmdir(at).then(
        () => true,
        () => false,
      )
      if (!removed) return
    }
  }

  async createBucket(bucket: string): Promise<void> {
    try {
      await mkdir(join(this.#root, bucket), { recursive: true, mode: 0o700 })
    } catch (error) {
      throw this.#told(error, "made", { bucket, key: "" }, undefined)
    }
  }

  #path({ bucket, key }: Place): string {
    const problem = fileKeyProblem(key)
    if (problem !== undefined) throw new TypeError(`The key ${quote(key)} ${problem}.`)
    return join(this.#root, bucket, key)
  }

  #error(kind: StorageErrorKind, { bucket, key }: Place, what: string, cause?: unknown): StorageError {
    const name = key === "" ? `The bucket ${bucket}` : `The object ${quote(key)} in ${bucket}`
    const details = { kind, backend: "localhost", bucket, key: key === "" ? undefined : key }
    return new StorageError(
      `${name} (files in ${this.#root}) ${what}.`,
      details,
      cause === undefined ? {} : { cause },
    )
  }

  #told(error: unknown, done: string, object: Place, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason
    const code = codeOf(error)
    if (error instanceof StorageError || code === undefined) return error
    const { kind, what } = meanings[code] ?? {
      kind: "other" as const,
      what: `could not be ${done}: ${(error as Error).message}`,
    }
    return this.#error(kind, object, what.replace("DONE", done), error)
  }
}

/** What a file system's errors say of objects. */
const meanings: Readonly<Record<string, { kind: StorageErrorKind; what: string }>> = {
  ENOENT: { kind: "not-found", what: "does not exist" },
  ENOTDIR: {
    kind: "other",
    what: "could not be DONE: a part of its key is an object of its own, and files cannot be folders too",
  },
  EISDIR: {
    kind: "other",
    what: "could not be DONE: other objects' keys begin with this one and a slash, and files cannot be folders too",
  },
  EEXIST: {
    kind: "other",
    what: "could not be DONE: a part of its key is an object of its own, and files cannot be folders too",
  },
  ENAMETOOLONG: {
    kind: "other",
    what: "could not be DONE: a part of its key is longer than the file system takes",
  },
  EACCES: { kind: "access-denied", what: "could not be DONE: the file system does not let this user" },
  EPERM: { kind: "access-denied", what: "could not be DONE: the file system does not let this user" },
  EROFS: { kind: "access-denied", what: "could not be DONE: the file system is read-only" },
  ENOSPC: { kind: "no-space", what: "could not be DONE: the disk is full" },
  EDQUOT: { kind: "no-space", what: "could not be DONE: the disk quota is used up" },
  EMFILE: { kind: "unavailable", what: "could not be DONE: this process has too many files open" },
}

function infoOf({ bucket, key }: Place, { size, mtimeMs }: { size: number; mtimeMs: number }): ObjectInfo {
  const etag = `${Math.round(mtimeMs * 1000).toString(36)}-${size.toString(36)}`
  return { bucket, key, sizeBytes: size, modifiedAtMs: mtimeMs, etag, contentType: undefined }
}

function codeOf(error: unknown): string | undefined {
  const code: unknown = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === "string" ? code : undefined
}
