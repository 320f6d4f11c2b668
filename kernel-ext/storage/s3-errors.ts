import { StorageError } from "../errors.ts"
import { bareError, missingRight } from "../util/service-errors.ts"
import {
  byStatus,
  type CalledObject,
  changedMeanwhile,
  type Meaning,
  networkMeaning,
  noBucket,
  notFound,
  shortRange,
  storageError,
  takenName,
  tooOften,
} from "./errors.ts"

/** What the errors of Amazon's SDK mean, and what can be done about them. */

interface SdkError extends Error {
  readonly code?: string
  readonly $metadata?: {
    readonly httpStatusCode?: number
    readonly requestId?: string
    readonly attempts?: number
  }
}

/** What an error of the SDK means here. An aborted call throws the signal's reason. */
export function tellS3(error: unknown, call: CalledObject, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof StorageError || !(error instanceof Error)) return error
  const { name, $metadata } = error as SdkError
  return storageError(meaningOf(error as SdkError, call), call, {
    name,
    requestId: $metadata?.requestId,
    cause: bareError(error),
  })
}

function meaningOf(error: SdkError, { endpoint }: CalledObject): Meaning {
  const { name, message, $metadata } = error
  const status = $metadata?.httpStatusCode
  const said = message === "" || message === "UnknownError" ? name : message
  if (name === "AccessDenied") return denied(message)
  return (
    named[name] ??
    networkMeaning(error, endpoint) ??
    (status === 301 || status === 307 ? wrongRegion : byStatus(status, said))
  )
}

function denied(message: string): Meaning {
  const right = missingRight(message)
  const lacking = right === undefined ? "" : `: they lack ${right}`
  return {
    kind: "access-denied",
    what: `was refused: these credentials may not do that${lacking}; look at the policies of user, role and bucket`,
  }
}

const wrongKeys: Meaning = {
  kind: "access-denied",
  what: "was not reached: the keys are not right; look at accessKeyId, secretAccessKey and, for keys that expire, sessionToken",
}
const expired: Meaning = {
  kind: "access-denied",
  what: "was not reached: the credentials have expired; log in again",
}
const wrongRegion: Meaning = {
  kind: "setup",
  what: "stands in another region than the one configured; set region to the bucket's",
}

const named: Readonly<Record<string, Meaning>> = {
  NoSuchKey: notFound,
  NotFound: notFound,
  NoSuchBucket: noBucket,
  Forbidden: {
    kind: "access-denied",
    what: "was refused: these credentials may not do that, or they are wrong",
  },
  InvalidAccessKeyId: wrongKeys,
  SignatureDoesNotMatch: wrongKeys,
  ExpiredToken: expired,
  TokenRefreshRequired: expired,
  CredentialsProviderError: {
    kind: "setup",
    what: "was not reached: no credentials were found; run `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  },
  InvalidRange: shortRange,
  SlowDown: tooOften,
  TooManyRequestsException: tooOften,
  ThrottlingException: tooOften,
  BucketAlreadyExists: takenName,
  PreconditionFailed: changedMeanwhile,
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  QuotaExceeded: { kind: "no-space", what: "could not be written: the storage's quota is used up" },
  XMinioStorageFull: { kind: "no-space", what: "could not be written: the storage is full" },
}
