import { ConfigError } from "../errors.ts"
import type { JobStorage, StorageDescription } from "../protocol/storage.ts"
import { rememberedStorages, useConfiguredStorage } from "../storage/known.ts"
import { checkBucket } from "../storage/names.ts"
import { storageBackends } from "../storage/provider.ts"
import { StorageClient } from "../storage/storage.ts"
import { guess } from "./entries.ts"
import { type Configuration, configuration } from "./load.ts"
import type { SectionName } from "./sections.ts"
import { isServerless, storageBeside } from "./serverless/providers.ts"
import { describeFiles, describeGcs, describeS3 } from "./storage-sections.ts"

/** Options of `new Storage(…)`; each that is missing comes from the configuration. */
export interface StorageOptions {
  /** "localhost" (files of this machine), "aws_s3", "minio", "ceph", "ibm_cos" or "gcp_storage". */
  readonly backend?: string
  /** For keys that name none. */
  readonly bucket?: string
  /** Folder that holds the buckets, for "localhost" (default: ~/.cellfan/storage). */
  readonly storageRoot?: string
  readonly region?: string
  /** URL of the service, where it is not Amazon's. */
  readonly endpoint?: string
  /** URLs as https://endpoint/bucket/key in place of https://bucket.endpoint/key. */
  readonly pathStyle?: boolean
  /** PEM file with the authority that signed the endpoint's certificate. */
  readonly caFile?: string
  /** Profile of ~/.aws/config. */
  readonly profile?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
  readonly sessionToken?: string
  /** Google's project. */
  readonly project?: string
  /** JSON key of one of Google's service accounts. */
  readonly credentialsFile?: string
}

/**
 * Object storage: what the configuration says, or what the options say in its place.
 *
 * @throws ConfigError for a wrong option.
 *
 * @example
 * ```ts
 * const storage = new Storage({ backend: "aws_s3", bucket: "measurements" })
 * await storage.put("2026/a.csv", "1,2\n3,4\n")
 * await storage.text("2026/a.csv")
 * for await (const { key, sizeBytes } of storage.list("2026/")) console.log(key, sizeBytes)
 * ```
 */
export class Storage extends StorageClient {
  constructor(options: StorageOptions = {}) {
    super(describeStorage(configuration(), options))
  }
}

/**
 * The storage of the configuration: files of this machine where nothing is configured.
 *
 * @example
 * ```ts
 * const object = await storage.put("words.txt", "one two three")
 * await fexec.map(async (n) => (await object.text()).split(" ")[n], [0, 1, 2])   // ["one", "two", "three"]
 * ```
 */
export const storage: StorageClient = new StorageClient(() => describeStorage(configuration()))

useConfiguredStorage((backend) => describeStorage(configuration(), { backend }))

/** What a job's workers are to know of storage. What is wrong in the configuration is told to the task that asks for it. */
export function jobStorage(): JobStorage {
  try {
    const own = ownStorage(configuration())
    return { own, known: rememberedStorages() }
  } catch (error) {
    return { own: { problem: (error as Error).message }, known: rememberedStorages() }
  }
}

const own = new WeakMap<Configuration, StorageDescription>()

/** Reckoned once for each state of the configuration: every job asks. */
function ownStorage(configured: Configuration): StorageDescription {
  let description = own.get(configured)
  if (description === undefined) {
    description = describeStorage(configured)
    own.set(configured, description)
  }
  return description
}

/**
 * @internal Configuration's types need zod's, which public types do without; see scripts/build/option-types.mjs.
 * @throws ConfigError for what is wrong, in the options or in the configuration.
 */
export function describeStorage(configured: Configuration, options: StorageOptions = {}): StorageDescription {
  const { backend: given, ...others } = options
  const backend = given ?? storageBackend(configured)
  if (!storageBackends.includes(backend)) throw unknownBackend(backend)
  const section = configured.section(backend as SectionName, others, "Storage") as Record<string, unknown>
  if (section.bucket !== undefined) checkBucketOf(backend, section.bucket)
  const describe =
    backend === "localhost" ? describeFiles : backend === "gcp_storage" ? describeGcs : describeS3
  return {
    backend,
    bucket: section.bucket as string | undefined,
    ...describe(section, { backend, configured }),
  }
}

/** @internal The one that is named, or the one beside the compute backend. */
export function storageBackend(configured: Configuration): string {
  const { storage, backend = "localhost" } = configured.section("cellfan")
  if (storage !== undefined) return storage
  return isServerless(backend) ? storageBeside[backend] : "localhost"
}

function checkBucketOf(backend: string, bucket: unknown): void {
  try {
    checkBucket(bucket)
  } catch (cause) {
    throw new ConfigError(`Option \`bucket\` of ${backend}: ${(cause as Error).message}`, {
      key: "bucket",
      cause,
    })
  }
}

function unknownBackend(backend: string): ConfigError {
  const there = `There are ${storageBackends.join(", ")}.`
  return new ConfigError(
    `There is no storage backend "${backend}"${guess(backend, storageBackends)} ${there}`,
    {
      key: "storage",
    },
  )
}
