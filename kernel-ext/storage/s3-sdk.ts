import { rootCertificates } from "node:tls"
import { StorageError } from "../errors.ts"
import type { StorageDescription } from "../protocol/storage.ts"
import { loadPackage } from "../util/load-package.ts"

/** Amazon's SDK for S3, loaded when it is first used, and its clients. */

const importClient = () => import("@aws-sdk/client-s3")
const importTransfer = () => import("@aws-sdk/lib-storage")
const importPresigner = () => import("@aws-sdk/s3-request-presigner")

export type S3Sdk = Awaited<ReturnType<typeof loadSdk>>
export type S3Client = InstanceType<S3Sdk["S3Client"]>

export interface S3Options {
  /** Default: AWS_REGION or the profile's; "us-east-1" where there is an endpoint. */
  readonly region?: string
  /** URL of the service, where it is not Amazon's. */
  readonly endpoint?: string
  /** `https://endpoint/bucket/key` in place of `https://bucket.endpoint/key`. */
  readonly pathStyle?: boolean
  /** Certificates in PEM of whoever signed the endpoint's. */
  readonly authority?: string
  /** Of ~/.aws/config and ~/.aws/credentials. */
  readonly profile?: string
}

const attempts = 5

/** A client with its own retries. */
export function makeClient(sdk: S3Sdk, { options, secrets }: StorageDescription): S3Client {
  const { region, endpoint, pathStyle, authority, profile } = options as S3Options
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
        ...(authority !== undefined && { ca: [...rootCertificates, authority] }),
      },
      httpAgent: { keepAlive: true, maxSockets: 256 },
    },
  })
}

/** The account's number stands within the ids of Amazon's own keys, so that all keys of an account give the same. */
export function accountOf(accessKeyId: string): string {
  if (!/^A[A-Z]IA[A-Z2-7]{16}$/.test(accessKeyId)) return accessKeyId
  let bits = 0n
  for (const char of accessKeyId.slice(4, 14)) bits = (bits << 5n) | BigInt(base32.indexOf(char))
  return String(((bits >> 2n) & 0x7fff_ffff_ff80n) >> 7n)
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

const packages = "@aws-sdk/client-s3 @aws-sdk/lib-storage"

/** The SDK says in every process which version of Node it will need next year: this is for whoever updates cellfan. */
const quiet = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"

export async function loadSdk() {
  process.env[quiet] ??= "true"
  const [client, transfer] = await Promise.all([
    loadPackage("@aws-sdk/client-s3", importClient, missing(packages)),
    loadPackage("@aws-sdk/lib-storage", importTransfer, missing(packages)),
  ])
  return { ...client, ...transfer }
}

export function loadPresigner() {
  const name = "@aws-sdk/s3-request-presigner"
  return loadPackage(name, importPresigner, missing(name))
}

function missing(names: string): (cause: unknown) => StorageError {
  return (cause) =>
    new StorageError(
      `Storage on S3 needs Amazon's SDK, which is not installed: run npm install ${names}`,
      { kind: "setup", backend: "aws_s3" },
      { cause },
    )
}
