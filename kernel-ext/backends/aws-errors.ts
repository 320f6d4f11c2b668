import { BackendError, type BackendErrorKind } from "../errors.ts"
import { bareError, codeOf, missingRight, notReached, withoutUser } from "../util/service-errors.ts"
import type { AwsAccess } from "./aws-sdk.ts"

/** Errors of Amazon's SDK in our words: those that all its services have, and around each what a service adds. */

/** What an error is said about. */
export interface Where {
  /** Follows "Lambda in eu-west-1 could not …". */
  readonly doing: string
  /** Undefined where none is known. */
  readonly region: string | undefined
  readonly endpoint?: string | undefined
  /** Of ~/.aws/config, where one was named. */
  readonly profile?: string | undefined
}

export interface SdkError extends Error {
  readonly code?: string
  readonly Reason?: string
  readonly retryAfterSeconds?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

export interface Meaning {
  readonly kind: BackendErrorKind
  /** What it is and what to do, to follow a colon. */
  readonly what: string
}

export interface Service {
  readonly backend: string
  /** "Lambda", "EC2". */
  readonly title: string
  /** Command that prints the rights that are needed. */
  readonly policy: string
  /** What an error of this service's own means; undefined for those that all have. */
  meaningOf(error: SdkError): Meaning | undefined
}

const retryable: readonly BackendErrorKind[] = ["throttled", "network", "unavailable"]

export function tellAws(error: unknown, where: Where, service: Service): BackendError {
  if (error instanceof BackendError) return error
  const sdk = (error instanceof Error ? error : new Error(String(error))) as SdkError
  const { kind, what } = service.meaningOf(sdk) ?? commonMeaning(sdk, where, service)
  const requestId = sdk.$metadata?.requestId
  const request = requestId === undefined ? "" : `, request ${requestId}`
  const at = where.endpoint === undefined ? where.region : withoutUser(where.endpoint)
  const place = at === undefined ? "" : ` in ${at}`
  return new BackendError(
    `${service.title}${place} could not ${where.doing}: ${what} (${sdk.name}${request}).`,
    {
      backend: service.backend,
      kind,
      retryable: retryable.includes(kind),
      requestId,
      retryAfterMs: 1000 * (Number(sdk.retryAfterSeconds) || 0),
      cause: bareError(sdk),
    },
  )
}

interface Client {
  readonly config: { region(): Promise<string>; credentials(): Promise<unknown> }
}

/** A client that knows its region and has credentials, before anything is asked of its service. */
export async function reach<C extends Client>(
  make: () => C | Promise<C>,
  access: AwsAccess,
  tell: (error: unknown, where: Where) => BackendError,
): Promise<{ readonly client: C; readonly region: string }> {
  let { region } = access
  try {
    const client = await make()
    region = await client.config.region()
    await client.config.credentials()
    return { client, region }
  } catch (error) {
    const { endpoint, profile } = access
    throw tell(error, { doing: "be reached", region, endpoint, profile })
  }
}

function commonMeaning(error: SdkError, where: Where, service: Service): Meaning {
  if (/region is missing/i.test(error.message))
    return {
      kind: "region",
      what: "no region is set; set option `region`, AWS_REGION, or the region of the profile",
    }
  const { profile = process.env.AWS_PROFILE } = where
  if (error.name === "CredentialsProviderError" && profile)
    return {
      kind: "credentials",
      what: `the profile "${profile}" gives no credentials; look at option \`profile\`, AWS_PROFILE, ~/.aws/config and ~/.aws/credentials, or log in by \`aws sso login\``,
    }
  return (
    named[error.name] ??
    (denials.has(error.name) ? denied(service, missingRight(error.message)) : undefined) ??
    networkMeaning(error, where, service) ??
    byStatus(error.$metadata?.httpStatusCode, error)
  )
}

const wrongKeys: Meaning = {
  kind: "credentials",
  what: "the keys are not right; look at accessKeyId, secretAccessKey and, for keys that expire, sessionToken",
}
const expired: Meaning = { kind: "credentials", what: "the credentials have expired; log in again" }
const throttled: Meaning = {
  kind: "throttled",
  what: "it takes no more calls now; cellfan waits and calls again",
}

const named: Readonly<Record<string, Meaning>> = {
  TooManyRequestsException: throttled,
  ThrottlingException: throttled,
  Throttling: throttled,
  RequestLimitExceeded: throttled,
  UnrecognizedClientException: wrongKeys,
  InvalidClientTokenId: wrongKeys,
  InvalidSignatureException: wrongKeys,
  SignatureDoesNotMatch: wrongKeys,
  IncompleteSignature: wrongKeys,
  AuthFailure: wrongKeys,
  ExpiredTokenException: expired,
  ExpiredToken: expired,
  RequestExpired: expired,
  TokenProviderError: expired,
  CredentialsProviderError: {
    kind: "credentials",
    what: "no credentials were found; run `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  },
}

const denials = new Set(["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"])

/** @param action What may not be done, as IAM calls it. */
export function denied({ policy }: Pick<Service, "policy">, action?: string): Meaning {
  const that = action === undefined ? "do that" : `do that: they lack ${action}`
  return {
    kind: "access-denied",
    what: `these credentials may not ${that}; \`${policy}\` prints the rights that are needed`,
  }
}

function networkMeaning(
  error: SdkError,
  { endpoint, region }: Where,
  { title }: Service,
): Meaning | undefined {
  switch (notReached(error)) {
    case "no-host":
      return endpoint === undefined
        ? {
            kind: "region",
            what: `there is no ${title} in a region "${region}", or the network does not resolve names: ${error.message}`,
          }
        : {
            kind: "setup",
            what: `there is no host of that name; look at option \`endpoint\`: ${error.message}`,
          }
    case "untrusted":
      return {
        kind: "setup",
        what: `the certificate of the service is not trusted (${codeOf(error)}); NODE_EXTRA_CA_CERTS names the file of its authority, before Node starts`,
      }
    case "refused":
      return {
        kind: "network",
        what: `nothing answers there; look at option \`endpoint\`, and whether the service runs: ${error.message}`,
      }
    case "broken":
      return { kind: "network", what: `it was not reached, or its answer was lost: ${error.message}` }
    case undefined:
      return undefined
  }
}

function byStatus(status: number | undefined, error: Error): Meaning {
  const said = error.message === "" || error.message === "UnknownError" ? error.name : error.message
  if (status === 401 || status === 403) return { kind: "access-denied", what: said }
  if (status === 429) return throttled
  if (status !== undefined && status >= 500) return { kind: "unavailable", what: `${said} (HTTP ${status})` }
  // An answer that is none of the service's: something between here and there broke it.
  if (/JSON|XML|Unexpected|parse|Deserialization/i.test(said))
    return { kind: "network", what: `its answer cannot be read: ${said}` }
  return { kind: "other", what: said }
}
