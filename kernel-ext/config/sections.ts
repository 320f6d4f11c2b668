import * as z from "zod"
import { endpointOption, keyOptions, profileOption, regionOption } from "./aws.ts"
import { gcpKeys, gcpOptions } from "./gcp.ts"
import { jobOptions, localhostOptions } from "./schema.ts"
import { ibmKeys, ibmOptions } from "./serverless/code-engine.ts"
import { serverlessSections } from "./serverless/providers.ts"
import { standaloneSections } from "./standalone/providers.ts"

/**
 * The sections of a configuration. Each is one backend, with the name it has in options and messages, or what several share:
 * `cellfan` for all, `aws` for all that Amazon runs. `lithops` says what Lithops calls a key, and `factor` how many of our
 * units one of its is.
 */

const text = z.string().min(1)

/** What all that Amazon runs have in common. */
export const awsSection = z.strictObject({
  region: regionOption,
  profile: profileOption,
  endpoint: endpointOption,
  ...keyOptions,
})

const bucketOption = text
  .optional()
  .describe("Bucket for keys that name none (default: one is made)")
  .meta({ lithops: "storage_bucket" })

const caFileOption = text
  .optional()
  .describe("PEM file with the authority that signed the endpoint's certificate")

const pathStyleOption = z
  .boolean()
  .optional()
  .describe(
    "URLs as https://endpoint/bucket/key in place of https://bucket.endpoint/key (default: where there is an endpoint)",
  )

/** Amazon S3, and anything that speaks it where `endpoint` is set. */
export const awsS3Section = z.strictObject({
  bucket: bucketOption,
  region: regionOption,
  profile: profileOption,
  endpoint: endpointOption,
  pathStyle: pathStyleOption,
  caFile: caFileOption,
  ...keyOptions,
})

/** MinIO and Ceph: S3 at an address of one's own. */
export const ownS3Section = z.strictObject({
  bucket: bucketOption,
  region: regionOption,
  endpoint: endpointOption,
  pathStyle: pathStyleOption,
  caFile: caFileOption,
  ...keyOptions,
})

/** What all that Google runs have in common. */
export const gcpSection = z.strictObject({ ...gcpOptions, ...gcpKeys })

/** Google Cloud Storage. */
export const gcpStorageSection = z.strictObject({
  bucket: bucketOption,
  region: gcpOptions.region.describe("Where a bucket is made that does not exist (default: US)"),
  project: gcpOptions.project,
  endpoint: endpointOption,
  caFile: caFileOption,
  ...gcpKeys,
})

export const localhostSection = z.strictObject({
  ...localhostOptions.shape,
  workers: localhostOptions.shape.workers.meta({ lithops: "worker_processes" }),
  bucket: bucketOption,
  storageRoot: text
    .optional()
    .describe("Folder that holds the buckets of the storage on this machine (default: ~/.cellfan/storage)"),
})

export const modes = ["localhost", "serverless", "standalone"] as const

export const cellfanSection = z.strictObject({
  mode: z
    .enum(modes)
    .optional()
    .describe("Where FunctionExecutor runs tasks (default: that of `backend`, or localhost)")
    .meta({ lithops: "mode" }),
  backend: text.optional().describe("Compute backend of FunctionExecutor").meta({ lithops: "backend" }),
  storage: text
    .optional()
    .describe("Storage backend (default: the one beside the compute backend)")
    .meta({ lithops: "storage" }),
  chunkSize: jobOptions.shape.chunkSize.meta({ lithops: "chunksize" }),
  timeoutMs: jobOptions.shape.timeoutMs.meta({ lithops: "execution_timeout", factor: 1000 }),
  retries: jobOptions.shape.retries
    .unwrap()
    .optional()
    .describe("How often a task that failed is run again (default: 0)")
    .meta({ lithops: "retries" }),
})

/** All sections by name. A section takes what it does not say itself from those of `inherits`. */
export const sections = {
  cellfan: { schema: cellfanSection, inherits: [] },
  localhost: { schema: localhostSection, inherits: ["cellfan"] },
  aws: { schema: awsSection, inherits: [] },
  aws_s3: { schema: awsS3Section, inherits: ["aws"] },
  minio: { schema: ownS3Section, inherits: [] },
  ceph: { schema: ownS3Section, inherits: [] },
  ibm: { schema: z.strictObject({ ...ibmOptions, ...ibmKeys }), inherits: [] },
  ibm_cos: { schema: ownS3Section, inherits: ["ibm"] },
  gcp: { schema: gcpSection, inherits: [] },
  gcp_storage: { schema: gcpStorageSection, inherits: ["gcp"] },
  ...serverlessSections,
  ...standaloneSections,
} as const satisfies Record<string, Section>

export interface Section {
  readonly schema: z.ZodObject
  readonly inherits: readonly string[]
}

export type SectionName = keyof typeof sections

export type SectionValues<N extends SectionName> = z.output<(typeof sections)[N]["schema"]>
