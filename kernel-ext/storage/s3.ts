import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { addAbortSignal, Readable } from "node:stream"
import { pathToFileURL } from "node:url"
import { StorageError } from "../errors.ts"
import type { ByteRange, ObjectInfo, StorageDescription } from "../protocol/storage.ts"
import { exportsOf } from "../util/exports-of.ts"
import type { Body, ListCall, Place, Provider, PutCall } from "./provider.ts"
import { isRetryable, tellS3 } from "./s3-errors.ts"

/**
 * Amazon S3, and all that speaks its language: MinIO, Ceph, IBM COS, Cloudflare R2. Without keys of its own, credentials
 * are found as the AWS SDK finds them: environment, shared files, SSO, the role of the machine.
 */

export interface S3Options {
  /** Default: AWS_REGION or the profile's; "us-east-1" where there is an endpoint. */
  readonly region?: string
  /** URL of the service, where it is not Amazon's. */
  readonly endpoint?: string
  /** `https://endpoint/bucket/key` in place of `https://bucket.endpoint/key`. */
  readonly pathStyle?: boolean
  /** A PEM file with the certificate authority of the endpoint. */
  readonly caFile?: string
  /** Of ~/.aws/config and ~/.aws/credentials. */
  readonly profile?: string
}

/** More than this is sent in parts, several at once. */
const partBytes = 8 * 1024 * 1024

const attempts = 5

/** How often a download goes on after its connection broke. */
const resumptions = 3

export async function openS3(description: StorageDescription): Promise<Provider> {
  const sdk = await loadSdk()
  const options = description.options as S3Options
  return new S3(sdk, await makeClient(sdk, description), description.backend, options)
}

type Sdk = Awaited<ReturnType<typeof importSdk>>
type Client = InstanceType<Sdk["S3Client"]>

class S3 implements Provider {
  readonly #sdk: Sdk
  readonly #client: Client
  readonly #backend: string
  readonly #options: S3Options

  constructor(sdk: Sdk, client: Client, backend: string, options: S3Options) {
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

  async get(
    object: Place,
    range: ByteRange | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<Uint8Array>> {
    if (range?.start === range?.end && range !== undefined) return Readable.from([])
    const first = await this.#told(object, signal, () =>
      this.#request(object, range, undefined, signal),
    ).catch(async (error) => {
      // An empty object has no first byte, which is no reason to refuse all of it.
      const isEmpty = error.kind === "range" && range?.start === 0
      if (!isEmpty) throw error
      return undefined
    })
    return first === undefined ? Readable.from([]) : this.#reading(object, range, first, signal)
  }

  /** Goes on where a connection broke, as long as the object is the same. */
  async *#reading(
    object: Place,
    range: ByteRange | undefined,
    first: Download,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    let download = first
    let at = range?.start ?? 0
    for (let left = resumptions; ; left--) {
      try {
        for await (const chunk of download.body) {
          yield chunk
          at += chunk.byteLength
        }
        return
      } catch (error) {
        const told = this.#tell(error, object, signal)
        if (left === 0 || signal?.aborted || !isRetryable(told) || download.etag === undefined) throw told
        const rest = { start: at, ...(range?.end !== undefined && { end: range.end }) }
        if (rest.end !== undefined && at >= rest.end) return
        download = await this.#told(object, signal, () => this.#request(object, rest, first.etag, signal))
      }
    }
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
    return { body, etag: answer.ETag }
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

interface Download {
  readonly body: Readable
  readonly etag: string | undefined
}

function called(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal }
}

function contentOf(body: Body): Buffer | Readable {
  if (body.kind === "stream") return Readable.from(body.stream)
  const { buffer, byteOffset, byteLength } = body.bytes
  return Buffer.from(buffer, byteOffset, byteLength)
}

async function makeClient(sdk: Sdk, { options, secrets }: StorageDescription): Promise<Client> {
  const { region, endpoint, pathStyle, caFile, profile } = options as S3Options
  const { accessKeyId, secretAccessKey, sessionToken } = secrets ?? {}
  const hasKeys = accessKeyId !== undefined && secretAccessKey !== undefined
  return new sdk.S3Client({
    maxAttempts: attempts,
    ...(region !== undefined ? { region } : endpoint !== undefined && { region: "us-east-1" }),
    ...(endpoint !== undefined && { endpoint }),
    ...(pathStyle !== undefined && { forcePathStyle: pathStyle }),
    ...(profile !== undefined && { profile }),
    ...(hasKeys && { credentials: { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) } }),
    // Older servers that speak S3 know neither the newer checksums nor the trailers that carry them.
    ...(endpoint !== undefined && {
      requestChecksumCalculation: "WHEN_REQUIRED" as const,
      responseChecksumValidation: "WHEN_REQUIRED" as const,
    }),
    requestHandler: {
      connectionTimeout: 10_000,
      httpsAgent: {
        keepAlive: true,
        maxSockets: 256,
        ...(caFile !== undefined && { ca: await readFile(caFile) }),
      },
      httpAgent: { keepAlive: true, maxSockets: 256 },
    },
  })
}

/** The account's number stands within the ids of Amazon's own keys, so that all keys of an account give the same. */
function accountOf(accessKeyId: string): string {
  if (!/^A[A-Z]IA[A-Z2-7]{16}$/.test(accessKeyId)) return accessKeyId
  let bits = 0n
  for (const char of accessKeyId.slice(4, 14)) bits = (bits << 5n) | BigInt(base32.indexOf(char))
  return String(((bits >> 2n) & 0x7fff_ffff_ff80n) >> 7n)
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

const packages = ["@aws-sdk/client-s3", "@aws-sdk/lib-storage"]
const presigner = "@aws-sdk/s3-request-presigner"

const importPresigner = () => import("@aws-sdk/s3-request-presigner")

async function importSdk() {
  const [client, transfer] = await Promise.all([import("@aws-sdk/client-s3"), import("@aws-sdk/lib-storage")])
  return { ...exportsOf(client), ...exportsOf(transfer) }
}

/** The SDK says in every process which version of Node it will need next year: this is for whoever updates cellfan. */
const quiet = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"

const loadSdk = () => load(importSdk, packages)
const loadPresigner = () => load(async () => exportsOf(await importPresigner()), [presigner])

/** Beside cellfan, or in the notebook's own folder. */
async function load<T extends object>(importIt: () => Promise<T>, names: readonly string[]): Promise<T> {
  process.env[quiet] ??= "true"
  try {
    return await importIt()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error
    return loadFrom(process.cwd(), names, error)
  }
}

async function loadFrom<T extends object>(
  folder: string,
  names: readonly string[],
  cause: unknown,
): Promise<T> {
  try {
    const require = createRequire(`${folder}/package.json`)
    const modules = names.map((name) => import(pathToFileURL(require.resolve(name)).href))
    return Object.assign({}, ...(await Promise.all(modules)).map(exportsOf)) as T
  } catch {
    throw new StorageError(
      `Storage on S3 needs Amazon's SDK, which is not installed: run npm install ${names.join(" ")}`,
      { kind: "setup", backend: "aws_s3" },
      { cause },
    )
  }
}
