/**
 * Object storage as tasks and notebooks see it: types only, the same on every backend. Sizes and positions are bytes.
 *
 * An object is named by its key in the storage's bucket, or by a reference, which knows its bucket.
 */

/** Says which object, wherever it stands. Can be captured, sent and returned. */
export interface ObjectReference {
  /** "localhost", "aws_s3", …: the storage backend. */
  readonly backend: string
  readonly bucket: string
  readonly key: string
}

/** A key of the storage's own bucket, or a reference. */
export type ObjectName = string | ObjectReference

export interface ObjectInfo {
  readonly bucket: string
  readonly key: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Changes when the content does, where the backend has such a tag. */
  readonly etag: string | undefined
  /** Known after `head`; a listing leaves it out. */
  readonly contentType: string | undefined
}

/** What an object is made from. A stream is sent as it comes, in parts; its length need not be known. */
export type ObjectBody = string | Uint8Array | ArrayBuffer | Blob | AsyncIterable<Uint8Array>

/** From `start` up to but not including `end`; without `end`, to the last byte. Past the end there are none. */
export interface ByteRange {
  readonly start: number
  readonly end?: number
}

export interface StorageCall {
  /** Ends the call with the signal's reason. */
  readonly signal?: AbortSignal
}

export interface PutOptions extends StorageCall {
  /** MIME type (default: "application/octet-stream"). */
  readonly contentType?: string
}

export interface GetOptions extends StorageCall {
  readonly range?: ByteRange
}

export interface ListOptions extends StorageCall {
  /** Only keys after this one, in the order of their UTF-8 bytes. */
  readonly startAfter?: string
  /** Objects a request asks for (default: 1000, which is also the most). */
  readonly pageSize?: number
}

/** How objects become inputs. */
export interface PartitionOptions extends StorageCall {
  /** Bytes of a partition; the last of an object may have fewer. Default: an object is one partition. */
  readonly chunkSize?: number
  /** Partitions of each object, of equal size. Instead of `chunkSize`. */
  readonly chunkCount?: number
  /** Ends of lines. With it a partition has whole lines only: those that begin within its bytes. */
  readonly newline?: string
  /** PEM file with the authority that signed the certificates of `https://` sources, where it is one of your own. */
  readonly caFile?: string
}

/**
 * A part of an object, which a task reads itself: nothing of it is read before.
 *
 * @example
 * ```ts
 * const parts = storage.objects("s3://bucket/logs/*.csv", { chunkSize: 8 * 1024 ** 2, newline: "\n" })
 * const rows = await fexec.map(async (part) => (await part.text()).split("\n").length, parts)
 * ```
 */
export interface ObjectPartition {
  /** The whole object as a URL or a path: equal for all partitions of one object. */
  readonly source: string
  /** Position among the partitions of its object, from 0. */
  readonly index: number
  /** How many partitions its object has. */
  readonly count: number
  /** Where it begins in the object; with `newline`, its first line begins here or after. */
  readonly start: number
  readonly end: number
  /** Of the whole object. */
  readonly objectSizeBytes: number
  bytes(call?: StorageCall): Promise<Uint8Array>
  /** As UTF-8. */
  text(call?: StorageCall): Promise<string>
  /** Lines without their ends, as they come. Taken at `newline`, or at "\n" and "\r\n" where none was given. */
  lines(call?: StorageCall): AsyncIterable<string>
  stream(call?: StorageCall): AsyncIterable<Uint8Array>
}

export interface ObjectStorage {
  /** "localhost", "aws_s3", … */
  readonly backend: string
  /** The bucket that keys stand in; undefined where the backend chooses one at first use. */
  readonly bucket: string | undefined
  /** The same storage with another bucket. */
  in(bucket: string): ObjectStorage
  /** Writes an object whole, or not at all. Replaces one that is there. */
  put(key: ObjectName, body: ObjectBody, options?: PutOptions): Promise<ObjectReference>
  get(object: ObjectName, options?: GetOptions): Promise<Uint8Array>
  /** `get`, read as UTF-8. */
  text(object: ObjectName, options?: GetOptions): Promise<string>
  /** The content as it comes. Leaving the loop early ends the request. */
  stream(object: ObjectName, options?: GetOptions): Promise<AsyncIterable<Uint8Array>>
  head(object: ObjectName, call?: StorageCall): Promise<ObjectInfo>
  exists(object: ObjectName, call?: StorageCall): Promise<boolean>
  /** Objects whose keys begin with `prefix`, by key. Pages are asked for as they are needed. */
  list(prefix?: string, options?: ListOptions): AsyncIterable<ObjectInfo>
  /** Deletes one object, many, or all under a prefix. What is not there counts as deleted. */
  delete(
    objects: ObjectName | readonly ObjectName[] | { readonly prefix: string },
    call?: StorageCall,
  ): Promise<void>
  /** A file of this machine into an object. */
  upload(file: string, key: ObjectName, options?: PutOptions): Promise<ObjectReference>
  /** An object into a file of this machine, whole or not at all. */
  download(object: ObjectName, file: string, call?: StorageCall): Promise<void>
  /** Makes the bucket where it does not exist. */
  createBucket(call?: StorageCall): Promise<void>
  /** Inputs for `map`: see PartitionOptions. */
  objects(sources: string | readonly string[], options?: PartitionOptions): AsyncIterable<ObjectPartition>
}

/**
 * What a worker makes its storage from: plain data, sent beside a job and never within a capture, an input or a result,
 * because it may hold keys.
 */
export interface StorageDescription {
  readonly backend: string
  readonly bucket: string | undefined
  /** Options of the backend that anybody may see. */
  readonly options: Readonly<Record<string, unknown>>
  /** Keys and tokens by name; absent where the backend's SDK finds them itself. */
  readonly secrets?: Readonly<Record<string, string>>
}

/** The storages of a job. */
export interface JobStorage {
  /** ctx.storage, or why there is none. */
  readonly own: StorageDescription | { readonly problem: string }
  /** Those that inputs and captured values may refer to, by id. */
  readonly known: Readonly<Record<string, StorageDescription>>
}
