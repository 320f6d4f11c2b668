import { BackendError, type BackendErrorKind } from "../../errors.ts"
import { outOfMemory, timeoutHint } from "../serverless/hints.ts"
import type { Death, FunctionSize } from "../serverless/platform.ts"
import { retryOf } from "../serverless/retry.ts"
import { lambdaLimits } from "./limits.ts"

/** What the SDK's errors and those of functions mean, and what can be done about them. */

/** What an error is said about. */
export interface Where {
  /** Follows "Lambda": "could not …". */
  readonly doing: string
  readonly region: string
  readonly endpoint?: string | undefined
}

interface SdkError extends Error {
  readonly code?: string
  readonly Reason?: string
  readonly retryAfterSeconds?: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
}

/** An error of the SDK, in our words. */
export function tell(error: unknown, where: Where): BackendError {
  if (error instanceof BackendError) return error
  const sdk = (error instanceof Error ? error : new Error(String(error))) as SdkError
  const { kind, what } = meaningOf(sdk, where)
  const requestId = sdk.$metadata?.requestId
  const request = requestId === undefined ? "" : `, request ${requestId}`
  const at = where.endpoint === undefined ? where.region : withoutUser(where.endpoint)
  return new BackendError(`Lambda in ${at} could not ${where.doing}: ${what} (${sdk.name}${request}).`, {
    backend: "aws_lambda",
    kind,
    retryable: retryOf[kind] !== "never",
    requestId,
    retryAfterMs: 1000 * (Number(sdk.retryAfterSeconds) || 0),
    cause: error,
  })
}

interface Meaning {
  readonly kind: BackendErrorKind
  readonly what: string
}

function meaningOf(error: SdkError, where: Where): Meaning {
  return (
    byText(error) ??
    named[error.name] ??
    networkMeaning(error, where) ??
    byStatus(error.$metadata?.httpStatusCode, error)
  )
}

const wrongKeys: Meaning = {
  kind: "credentials",
  what: "the keys are not right; look at accessKeyId, secretAccessKey and, for keys that expire, sessionToken",
}
const expired: Meaning = { kind: "credentials", what: "the credentials have expired; log in again" }
const tooLarge: Meaning = {
  kind: "too-large",
  what: "the request is larger than the 6 MB that Lambda takes; configure storage, which larger ones go through",
}
const throttled: Meaning = {
  kind: "throttled",
  what: "it takes no more calls now; cellfan waits and calls again",
}
const denied: Meaning = {
  kind: "access-denied",
  what: "these credentials may not do that; `cellfan lambda policy` prints the rights that are needed",
}

const named: Readonly<Record<string, Meaning>> = {
  TooManyRequestsException: throttled,
  ThrottlingException: throttled,
  Throttling: throttled,
  RequestTooLargeException: tooLarge,
  AccessDeniedException: denied,
  AccessDenied: denied,
  UnauthorizedOperation: denied,
  UnrecognizedClientException: wrongKeys,
  InvalidClientTokenId: wrongKeys,
  InvalidSignatureException: wrongKeys,
  SignatureDoesNotMatch: wrongKeys,
  IncompleteSignature: wrongKeys,
  ExpiredTokenException: expired,
  ExpiredToken: expired,
  TokenProviderError: expired,
  CredentialsProviderError: {
    kind: "credentials",
    what: "no credentials were found; run `aws configure` or `aws sso login`, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  },
  CodeStorageExceededException: {
    kind: "quota",
    what: "the account's room for function code is used up; `cellfan runtime list` and `cellfan clean` show and delete functions of cellfan",
  },
  ResourceNotFoundException: {
    kind: "not-found",
    what: "there is no such function; it was deleted since it was deployed. Run the cell again",
  },
  ServiceException: { kind: "unavailable", what: "Lambda has an internal error" },
  EC2ThrottledException: {
    kind: "unavailable",
    what: "Lambda was throttled itself while it started an instance",
  },
  ResourceNotReadyException: { kind: "unavailable", what: "the function is not ready" },
  ResourceConflictException: { kind: "unavailable", what: "the function is being changed by somebody else" },
  LimitExceeded: { kind: "quota", what: "a quota of the account is used up; raise it in Service Quotas" },
  LimitExceededException: {
    kind: "quota",
    what: "a quota of the account is used up; raise it in Service Quotas",
  },
}

/** Where one name stands for several things. */
function byText(error: SdkError): Meaning | undefined {
  const { name, message } = error
  if (/region is missing/i.test(message))
    return {
      kind: "region",
      what: "no region is set; set option `region`, AWS_REGION, or the region of the profile",
    }
  if (name === "InvalidParameterValueException" && /role/i.test(message))
    return {
      kind: "role",
      what: `the role cannot be assumed by Lambda: its trust policy must name lambda.amazonaws.com, and \`roleArn\` must be of this account; Lambda said: ${message}`,
    }
  if (name === "InvalidParameterValueException" && /MemorySize|memory/i.test(message))
    return {
      kind: "quota",
      what: `the account does not allow functions so large; take a smaller \`memoryMiB\`, or ask for more in Service Quotas; Lambda said: ${message}`,
    }
  if (/not authorized to perform: iam:PassRole/i.test(message))
    return {
      kind: "access-denied",
      what: "these credentials may not hand the role to Lambda (iam:PassRole); `cellfan lambda policy` prints the rights that are needed",
    }
  return undefined
}

function networkMeaning(error: SdkError, { endpoint, region }: Where): Meaning | undefined {
  const code = error.code ?? (error.cause as SdkError | undefined)?.code ?? error.name
  if (code === "ENOTFOUND" && endpoint === undefined)
    return {
      kind: "region",
      what: `there is no Lambda in a region "${region}", or the network does not resolve names: ${error.message}`,
    }
  if (code === "ENOTFOUND")
    return {
      kind: "setup",
      what: `there is no host of that name; look at option \`endpoint\`: ${error.message}`,
    }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code))
    return {
      kind: "setup",
      what: `the certificate of the service is not trusted (${code}); NODE_EXTRA_CA_CERTS names the file of its authority, before Node starts`,
    }
  if (code === "ECONNREFUSED")
    return {
      kind: "network",
      what: `nothing answers there; look at option \`endpoint\`, and whether the service runs: ${error.message}`,
    }
  const text = `${code} ${error.message}`
  if (/^E[A-Z_]+$/.test(code) || /TimeoutError|RequestTimeout|socket hang up|aborted|ended early/i.test(text))
    return { kind: "network", what: `it was not reached, or its answer was lost: ${error.message}` }
  return undefined
}

function byStatus(status: number | undefined, error: Error): Meaning {
  const said = error.message === "" || error.message === "UnknownError" ? error.name : error.message
  if (status === 401 || status === 403) return { kind: "access-denied", what: said }
  if (status === 413) return tooLarge
  if (status === 429) return throttled
  if (status !== undefined && status >= 500) return { kind: "unavailable", what: `${said} (HTTP ${status})` }
  // An answer that is none of the service's: something between here and there broke it.
  if (/JSON|Unexpected|parse|Deserialization/i.test(said))
    return { kind: "network", what: `its answer cannot be read: ${said}` }
  return { kind: "other", what: said }
}

/** A URL may hold a password. */
function withoutUser(endpoint: string): string {
  return endpoint.replace(/\/\/[^/@]*@/, "//")
}

/** Reads the error that Lambda gives in place of a function's answer, and the end of its log. */
export function deathOf(payload: string, logTail: string, size: FunctionSize): Death {
  const { errorType = "", errorMessage = payload } = parsed(payload)
  const text = `${errorType} ${errorMessage}`
  if (/Sandbox\.Timedout|Task timed out after/i.test(text))
    return { kind: "timeout", reason: `was ended by Lambda ${timeoutHint(size, lambda)}` }
  if (isOutOfMemory(text, logTail, size.memoryMiB))
    return { kind: "out-of-memory", reason: outOfMemory(size, lambda) }
  if (/ResponseSizeTooLarge/.test(text))
    return { kind: "too-large", reason: `gave an answer larger than Lambda takes: ${errorMessage}` }
  if (/Runtime\.(Import|Init|Invalid|HandlerNotFound|Unknown|UserCodeSyntax)|InitError|\bInit\b/.test(text))
    return {
      kind: "init",
      reason: `could not start: ${errorMessage}${logTail === "" ? "" : `\n${logTail}`}`,
    }
  return { kind: "crashed", reason: `ended: ${errorMessage}` }
}

const lambda = { title: "Lambda", limits: lambdaLimits }

function isOutOfMemory(text: string, logTail: string, memoryMiB: number): boolean {
  if (/OutOfMemory|signal: killed|heap out of memory/i.test(text)) return true
  if (/heap out of memory|Allocation failed - /.test(logTail)) return true
  const used = /Max Memory Used: (\d+) MB/.exec(logTail)?.[1]
  return /Runtime\.ExitError/.test(text) && used !== undefined && Number(used) >= memoryMiB
}

function parsed(payload: string): { errorType?: string; errorMessage?: string } {
  try {
    const { errorType, errorMessage } = JSON.parse(payload)
    return { errorType: String(errorType ?? ""), errorMessage: String(errorMessage ?? payload) }
  } catch {
    return {}
  }
}
