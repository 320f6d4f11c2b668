import type { ByteRange, ObjectInfo, StorageDescription } from "../protocol/storage.ts"

/**
 * What a place for objects must do: one file per provider, held by test/conformance/storage.ts. Names have been checked,
 * bodies and ranges have one form each; what users hold (storage.ts) is made of these few calls.
 *
 * A call that fails throws a StorageError; one whose signal is aborted throws the signal's reason.
 */
export interface Provider {
  /** The bucket for those who named none. May ask the provider who the caller is. */
  defaultBucket(signal: AbortSignal | undefined): Promise<string>
  /** Writes an object whole, or not at all. */
  put(object: Place, body: Body, options: PutCall): Promise<void>
  /**
   * Resolves when the first byte is there. A range that ends past the object's end gives what there is.
   *
   * @param etag Content with another tag is refused, where the provider can tell before it sends it.
   */
  get(
    object: Place,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
    etag?: string,
  ): Promise<AsyncIterable<Uint8Array>>
  head(object: Place, signal: AbortSignal | undefined): Promise<ObjectInfo>
  /** Pages in the order of the keys' UTF-8 bytes. */
  list(bucket: string, call: ListCall): AsyncIterable<readonly ObjectInfo[]>
  /** At most `deleteLimit` keys. Keys that are not there are no error. */
  delete(bucket: string, keys: readonly string[], signal: AbortSignal | undefined): Promise<void>
  /** No error where the bucket is the caller's already. */
  createBucket(bucket: string, signal: AbortSignal | undefined): Promise<void>
  /** A URL by which whoever has it reads the object for so long; it need not be there yet. Absent where there are no URLs. */
  presign?(object: Place, validMs: number): Promise<string>
}

/** Keys that one call of `delete` takes. */
export const deleteLimit = 1000

/** Where an object stands. */
export interface Place {
  readonly bucket: string
  readonly key: string
}

/** Bytes, or a stream of them, whose length may be known. */
export type Body =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "stream"; readonly stream: AsyncIterable<Uint8Array> }

export interface PutCall {
  readonly contentType: string | undefined
  readonly signal: AbortSignal | undefined
}

export interface ListCall {
  readonly prefix: string
  readonly startAfter: string | undefined
  readonly pageSize: number
  readonly signal: AbortSignal | undefined
}

/** S3 and what speaks its language: one provider, other defaults. */
const s3Backends = ["aws_s3", "minio", "ceph", "ibm_cos"]

/** Names of the backends, as in configuration. */
export const storageBackends: readonly string[] = ["localhost", ...s3Backends, "gcp_storage"]

/** Loads a provider when it is first used, and with it its SDK. */
export async function openProvider(description: StorageDescription): Promise<Provider> {
  const { backend } = description
  if (backend === "localhost") return (await import("./files.ts")).openFiles(description)
  if (s3Backends.includes(backend)) return (await import("./s3.ts")).openS3(description)
  if (backend === "gcp_storage") return (await import("./gcs.ts")).openGcs(description)
  throw new TypeError(`There is no storage backend "${backend}"; there are ${storageBackends.join(", ")}.`)
}
