import { StorageError, type StorageErrorKind } from "../errors.ts"
import { quote } from "./names.ts"

/** What the SDK's errors mean, and what can be done about them. */

export interface S3Call {
  readonly backend: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
  readonly bucket?: string | undefined
  readonly key?: string | undefined
}

interface SdkError extends Error {
  readonly code?: string
  readonly $metadata?: {
    readonly httpStatusCode?: number
    readonly requestId?: string
    readonly attempts?: number
  }
}

/** What an error of the SDK means here. An aborted call throws the signal's reason. */
export function tellS3(error: unknown, call: S3Call, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof StorageError || !(error instanceof Error)) return error
  const { name, $metadata } = error as SdkError
  const { kind, what } = meaningOf(error as SdkError, call)
  const { backend, bucket, key } = call
  const requestId = $metadata?.requestId
  const request = requestId === undefined ? "" : ` (${name}, request ${requestId})`
  return new StorageError(
    `${subject(call)} ${what}${request}.`,
    { kind, backend, bucket, key, requestId },
    { cause: bare(error as SdkError) },
  )
}

/** Without the request and the answer that the SDK hangs on: their headers hold signatures and tokens. */
function bare({ name, message, code, stack }: SdkError): Error {
  const error = Object.assign(new Error(message), { name, ...(code !== undefined && { code }) })
  error.stack = stack ?? `${name}: ${message}`
  return error
}

export function isRetryable(error: unknown): boolean {
  return error instanceof StorageError && error.retryable
}

function subject({ backend, bucket, key, endpoint }: S3Call): string {
  const at = endpoint === undefined ? backend : `${backend}, ${withoutUser(endpoint)}`
  if (key !== undefined && bucket !== undefined) return `The object ${quote(key)} in ${bucket} (${at})`
  if (bucket !== undefined) return `The bucket ${bucket} (${at})`
  return `The storage ${at}`
}

/** A URL may hold a password. */
function withoutUser(endpoint: string): string {
  return endpoint.replace(/\/\/[^/@]*@/, "//")
}

interface Meaning {
  readonly kind: StorageErrorKind
  readonly what: string
}

function meaningOf(error: SdkError, call: S3Call): Meaning {
  const { name, code, $metadata } = error
  return (
    named[name] ??
    networkMeaning(code ?? (error.cause as SdkError | undefined)?.code ?? name, error, call) ??
    byStatus($metadata?.httpStatusCode, error)
  )
}

const wrongKeys =
  "was not reached: the keys are not right; look at accessKeyId, secretAccessKey and, for keys that expire, sessionToken"
const wrongRegion = "stands in another region than the one configured; set region to the bucket's"

const named: Readonly<Record<string, Meaning>> = {
  NoSuchKey: { kind: "not-found", what: "does not exist" },
  NotFound: { kind: "not-found", what: "does not exist" },
  NoSuchBucket: {
    kind: "not-found",
    what: "could not be found: there is no such bucket; storage.createBucket() makes it",
  },
  AccessDenied: {
    kind: "access-denied",
    what: "was refused: these credentials may not do that; look at the policies of user, role and bucket",
  },
  Forbidden: {
    kind: "access-denied",
    what: "was refused: these credentials may not do that, or they are wrong",
  },
  InvalidAccessKeyId: { kind: "access-denied", what: wrongKeys },
  SignatureDoesNotMatch: { kind: "access-denied", what: wrongKeys },
  ExpiredToken: {
    kind: "access-denied",
    what: "was not reached: the credentials have expired; log in again",
  },
  TokenRefreshRequired: {
    kind: "access-denied",
    what: "was not reached: the credentials have expired; log in again",
  },
  CredentialsProviderError: {
    kind: "setup",
    what: "was not reached: no credentials were found; run `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  },
  InvalidRange: { kind: "range", what: "has fewer bytes than the beginning of the range" },
  SlowDown: { kind: "throttled", what: "was asked for too often and for now is not answered" },
  TooManyRequestsException: {
    kind: "throttled",
    what: "was asked for too often and for now is not answered",
  },
  ThrottlingException: { kind: "throttled", what: "was asked for too often and for now is not answered" },
  BucketAlreadyExists: {
    kind: "exists",
    what: "is somebody else's: bucket names are shared by all; take another",
  },
  PreconditionFailed: { kind: "other", what: "has changed while it was read" },
  PermanentRedirect: { kind: "setup", what: wrongRegion },
  AuthorizationHeaderMalformed: { kind: "setup", what: wrongRegion },
  IllegalLocationConstraintException: { kind: "setup", what: wrongRegion },
  QuotaExceeded: { kind: "no-space", what: "could not be written: the storage's quota is used up" },
  XMinioStorageFull: { kind: "no-space", what: "could not be written: the storage is full" },
}

/** Whether it is the code of a certificate that was refused. */
export function isUntrusted(code = ""): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code)
}

function networkMeaning(code: string, error: Error, { endpoint }: S3Call): Meaning | undefined {
  if (isUntrusted(code))
    return {
      kind: "setup",
      what: `was not reached: the certificate of ${withoutUser(endpoint ?? "the service")} is not trusted (${code}); name its authority with caFile`,
    }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return {
      kind: "network",
      what: `was not reached: ${error.message}; look at region and endpoint, and at the network`,
    }
  if (
    /^E[A-Z]+$/.test(code) ||
    /TimeoutError|RequestTimeout|socket hang up|aborted/i.test(`${code} ${error.message}`)
  )
    return { kind: "network", what: `was not reached: ${error.message}` }
  return undefined
}

function byStatus(status: number | undefined, error: Error): Meaning {
  const said = error.message === "" || error.message === "UnknownError" ? error.name : error.message
  if (status === 404) return { kind: "not-found", what: "does not exist" }
  if (status === 401 || status === 403) return { kind: "access-denied", what: `was refused: ${said}` }
  if (status === 416) return { kind: "range", what: "has fewer bytes than the beginning of the range" }
  if (status === 429)
    return { kind: "throttled", what: "was asked for too often and for now is not answered" }
  if (status === 301 || status === 307) return { kind: "setup", what: wrongRegion }
  if (status !== undefined && status >= 500)
    return { kind: "unavailable", what: `is not available now: ${said} (HTTP ${status})` }
  return { kind: "other", what: `gave an error: ${said}` }
}
