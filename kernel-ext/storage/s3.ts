import { createHash } from "node:crypto"
import { addAbortSignal, Readable } from "node:stream"
import type { ByteRange, ObjectInfo, StorageDescription } from "../protocol/storage.ts"
import type { Body, ListCall, Place, Provider, PutCall } from "./provider.ts"
import { type Download, download } from "./resume.ts"
import { tellS3 } from "./s3-errors.ts"
import {
  accountOf,
  loadPresigner,
  loadSdk,
  makeClient,
  type S3Client,
  type S3Options,
  type S3Sdk,
} from "./s3-sdk.ts"

/**
 * Amazon S3, and all that speaks its language: MinIO, Ceph, IBM COS, Cloudflare R2. Without keys of its own, credentials
 * are found as the AWS SDK finds them: environment, shared files, SSO, the role of the machine.
 */

/** More than this is sent in parts, several at once. */
const partBytes = 8 * 1024 * 1024

export async function openS3(description: StorageDescription): Promise<Provider> {
  const sdk = await loadSdk()
  const options = description.options as S3Options
  return new S3(sdk, makeClient(sdk, description), description.backend, options)
}

class S3 implements Provider {
  readonly #sdk: S3Sdk
  readonly #client: S3Client
  readonly #backend: string
  readonly #options: S3Options

  constructor(sdk: S3Sdk, client: S3Client, backend: string, options: S3Options) {
    this.#sdk = sdk
    this.#client = client
    this.#backend = backend
    this.#options = options
  }

  /** Named after the region and the account, so that it is the same on every machine and nobody else's. */
  async defaultBucket(): Promise<string> {
    try {
      const [region, { accessKeyId }] = await Promise.all([
        this.#client.config.region(),
        this.#client.config.credentials(),
      ])
      const owner = createHash("sha256").update(accountOf(accessKeyId)).digest("hex").slice(0, 12)
      return `cellfan-${region}-${owner}`
    } catch (error) {
      throw tellS3(error, { backend: this.#backend, ...this.#options }, undefined)
    }
  }

  async put(object: Place, body: Body, { contentType, signal }: PutCall): Promise<void> {
    await this.#told(object, signal, async () => {
      const request = {
        Bucket: object.bucket,
        Key: object.key,
        ...(contentType && { ContentType: contentType }),
      }
      if (body.kind === "bytes" && body.bytes.byteLength <= 2 * partBytes)
        await this.#client.send(
          new this.#sdk.PutObjectCommand({ ...request, Body: body.bytes }),
          called(signal),
        )
      else await this.#upload({ ...request, Body: contentOf(body) }, signal)
    })
  }

  async #upload(
    params: { Bucket: string; Key: string; Body: Buffer | Readable },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    signal?.throwIfAborted()
    const upload = new this.#sdk.Upload({ client: this.#client, params, partSize: partBytes, queueSize: 4 })
    const abort = () => void upload.abort()
    signal?.addEventListener("abort", abort, { once: true })
    try {
      await upload.done()
    } finally {
      signal?.removeEventListener("abort", abort)
    }
  }

  get(
    object: Place,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
    etag?: string,
  ): Promise<AsyncIterable<Uint8Array>> {
    return download({
      ...{ range, signal, version: etag },
      request: (part, version) =>
        this.#told(object, signal, () => this.#request(object, part, version, signal)),
      tell: (error) => this.#tell(error, object, signal),
    })
  }

  async #request(
    { bucket, key }: Place,
    range: ByteRange | undefined,
    etag: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Download> {
    const bounds = range && `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`
    const answer = await this.#client.send(
      new this.#sdk.GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(bounds && { Range: bounds }),
        ...(etag && { IfMatch: etag }),
      }),
      called(signal),
    )
    const body = answer.Body as Readable
    if (signal !== undefined) addAbortSignal(signal, body)
    return { body, version: answer.ETag }
  }

  async head(object: Place, signal: AbortSignal | undefined): Promise<ObjectInfo> {
    const { bucket, key } = object
    return this.#told(object, signal, async () => {
      const command = new this.#sdk.HeadObjectCommand({ Bucket: bucket, Key: key })
      const found = await this.#client.send(command, called(signal))
      return {
        bucket,
        key,
        sizeBytes: found.ContentLength ?? 0,
        modifiedAtMs: found.LastModified?.getTime() ?? 0,
        etag: found.ETag,
        contentType: found.ContentType,
      }
    })
  }

  async *list(
    bucket: string,
    { prefix, startAfter, pageSize, signal }: ListCall,
  ): AsyncIterable<readonly ObjectInfo[]> {
    let token: string | undefined
    do {
      const command = new this.#sdk.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        MaxKeys: pageSize,
        ...(token === undefined
          ? startAfter !== undefined && { StartAfter: startAfter }
          : { ContinuationToken: token }),
      })
      const page = await this.#told({ bucket }, signal, () => this.#client.send(command, called(signal)))
      yield (page.Contents ?? []).map((found) => ({
        bucket,
        key: found.Key ?? "",
        sizeBytes: found.Size ?? 0,
        modifiedAtMs: found.LastModified?.getTime() ?? 0,
        etag: found.ETag,
        contentType: undefined,
      }))
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  async delete(bucket: string, keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const [only] = keys
    if (only !== undefined && keys.length === 1) {
      const command = new this.#sdk.DeleteObjectCommand({ Bucket: bucket, Key: only })
      await this.#told({ bucket, key: only }, signal, () => this.#client.send(command, called(signal)))
    } else if (keys.length > 1) await this.#deleteMany(bucket, keys, signal)
  }

  async #deleteMany(bucket: string, keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const Objects = keys.map((Key) => ({ Key }))
    const command = new this.#sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } })
    const { Errors = [] } = await this.#told({ bucket }, signal, () =>
      this.#client.send(command, called(signal)),
    )
    const [first] = Errors.filter(({ Code }) => Code !== "NoSuchKey")
    if (first === undefined) return
    const error = Object.assign(new Error(first.Message ?? "not deleted"), { name: first.Code ?? "Error" })
    throw this.#tell(error, { bucket, ...(first.Key !== undefined && { key: first.Key }) }, signal)
  }

  async createBucket(bucket: string, signal: AbortSignal | undefined): Promise<void> {
    const head = new this.#sdk.HeadBucketCommand({ Bucket: bucket })
    const isThere = await this.#told({ bucket }, signal, () => this.#client.send(head, called(signal))).then(
      () => true,
      (error) => {
        if (error.kind === "not-found") return false
        throw error
      },
    )
    if (isThere) return
    const region = await this.#client.config.region()
    // Amazon wants to be told of every region but its first; others do not know the word.
    const isAmazons = this.#options.endpoint === undefined && region !== "us-east-1"
    const create = new this.#sdk.CreateBucketCommand({
      Bucket: bucket,
      ...(isAmazons && { CreateBucketConfiguration: { LocationConstraint: region as "eu-west-1" } }),
    })
    await this.#told({ bucket }, signal, async () => {
      await this.#client.send(create, called(signal)).catch((error) => {
        if (error.name !== "BucketAlreadyOwnedByYou") throw error
      })
    })
  }

  async presign(object: Place, validMs: number): Promise<string> {
    return this.#told(object, undefined, async () => {
      const { getSignedUrl } = await loadPresigner()
      const command = new this.#sdk.GetObjectCommand({ Bucket: object.bucket, Key: object.key })
      return getSignedUrl(this.#client, command, { expiresIn: Math.ceil(validMs / 1000) })
    })
  }

  async #told<T>(
    object: Partial<Place>,
    signal: AbortSignal | undefined,
    call: () => Promise<T>,
  ): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw this.#tell(error, object, signal)
    }
  }

  #tell(error: unknown, object: Partial<Place>, signal: AbortSignal | undefined): unknown {
    return tellS3(error, { backend: this.#backend, ...this.#options, ...object }, signal)
  }
}

function called(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

function contentOf(body: Body): Buffer | Readable {
  if (body.kind === "stream") return Readable.from(body.stream)
  const { buffer, byteOffset, byteLength } = body.bytes
  return Buffer.from(buffer, byteOffset, byteLength)
}
