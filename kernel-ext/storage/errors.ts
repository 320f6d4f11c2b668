import { StorageError, type StorageErrorKind } from "../errors.ts"
import { codeOf, notReached, withoutUser } from "../util/service-errors.ts"
import { quote } from "./names.ts"

/** What the errors of all object storage have in common; each provider knows the names that its own has for them. */

/** What an error is said about. */
export interface CalledObject {
  readonly backend: string
  readonly endpoint?: string | undefined
  readonly bucket?: string | undefined
  readonly key?: string | undefined
}

export interface Meaning {
  readonly kind: StorageErrorKind
  /** Follows the object or the bucket: "does not exist". */
  readonly what: string
}

/** What the service called the error and the request. */
export interface ServiceWords {
  readonly name?: string | undefined
  readonly requestId?: string | undefined
  readonly cause: unknown
}

export function storageError(
  { kind, what }: Meaning,
  call: CalledObject,
  { name, requestId, cause }: ServiceWords,
): StorageError {
  const request = requestId === undefined ? "" : ` (${name}, request ${requestId})`
  const { backend, bucket, key } = call
  return new StorageError(
    `${subject(call)} ${what}${request}.`,
    { kind, backend, bucket, key, requestId },
    { cause },
  )
}

export function isRetryable(error: unknown): boolean {
  return error instanceof StorageError && error.retryable
}

function subject({ backend, bucket, key, endpoint }: CalledObject): string {
  const at = endpoint === undefined ? backend : `${backend}, ${withoutUser(endpoint)}`
  if (key !== undefined && bucket !== undefined) return `The object ${quote(key)} in ${bucket} (${at})`
  if (bucket !== undefined) return `The bucket ${bucket} (${at})`
  return `The storage ${at}`
}

export const notFound: Meaning = { kind: "not-found", what: "does not exist" }

export const noBucket: Meaning = {
  kind: "not-found",
  what: "could not be found: there is no such bucket; storage.createBucket() makes it",
}

export const tooOften: Meaning = {
  kind: "throttled",
  what: "was asked for too often and for now is not answered",
}

export const shortRange: Meaning = {
  kind: "range",
  what: "has fewer bytes than the beginning of the range",
}

export const takenName: Meaning = {
  kind: "exists",
  what: "is somebody else's: bucket names are shared by all; take another",
}

export const changedMeanwhile: Meaning = {
  kind: "other",
  what: "has changed since it was found: find it again",
}

/** Undefined where the service was reached. */
export function networkMeaning(error: Error, endpoint: string | undefined): Meaning | undefined {
  switch (notReached(error)) {
    case "untrusted":
      return {
        kind: "setup",
        what: `was not reached: the certificate of ${withoutUser(endpoint ?? "the service")} is not trusted (${codeOf(error)}); name its authority with caFile`,
      }
    case "no-host":
      return {
        kind: "network",
        what: `was not reached: ${error.message}; look at region and endpoint, and at the network`,
      }
    case "refused":
    case "broken":
      return { kind: "network", what: `was not reached: ${error.message}` }
    case undefined:
      return undefined
  }
}

export function byStatus(status: number | undefined, said: string): Meaning {
  if (status === 404) return notFound
  if (status === 401 || status === 403) return { kind: "access-denied", what: `was refused: ${said}` }
  if (status === 412) return changedMeanwhile
  if (status === 416) return shortRange
  if (status === 429) return tooOften
  if (status !== undefined && status >= 500)
    return { kind: "unavailable", what: `is not available now: ${said} (HTTP ${status})` }
  return { kind: "other", what: `gave an error: ${said}` }
}
