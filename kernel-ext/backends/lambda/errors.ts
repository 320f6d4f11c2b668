import type { BackendError } from "../../errors.ts"
import { missingRight } from "../../util/service-errors.ts"
import { type Meaning, type SdkError, type Service, tellAws, type Where } from "../aws-errors.ts"
import { outOfMemory, timeoutHint } from "../serverless/hints.ts"
import type { Death, FunctionSize } from "../serverless/platform.ts"
import { lambdaLimits } from "./limits.ts"

/** What the SDK's errors and those of functions mean, and what can be done about them. */

/** An error of the SDK, in our words. */
export function tell(error: unknown, where: Where): BackendError {
  return tellAws(error, where, lambdaService)
}

const lambdaService: Service = {
  backend: "aws_lambda",
  title: "Lambda",
  policy: "cellfan lambda policy",
  meaningOf: (error) => byText(error) ?? named[error.name],
}

const tooLarge: Meaning = {
  kind: "too-large",
  what: "the request is larger than the 6 MB that Lambda takes; configure storage, which larger ones go through",
}
const quotaUsedUp: Meaning = {
  kind: "quota",
  what: "a quota of the account is used up; raise it in Service Quotas",
}

const named: Readonly<Record<string, Meaning>> = {
  RequestTooLargeException: tooLarge,
  CodeStorageExceededException: {
    kind: "quota",
    what: "the account's room for function code is used up; `cellfan runtime list` and `cellfan clean` show and delete functions of cellfan",
  },
  ResourceNotFoundException: {
    kind: "not-found",
    what: "there is no such function; something deletes it again and again while it is needed",
  },
  ServiceException: { kind: "unavailable", what: "Lambda has an internal error" },
  EC2ThrottledException: {
    kind: "unavailable",
    what: "Lambda was throttled itself while it started an instance",
  },
  ResourceNotReadyException: { kind: "unavailable", what: "the function is not ready" },
  ResourceConflictException: { kind: "unavailable", what: "the function is being changed by somebody else" },
  LimitExceeded: quotaUsedUp,
  LimitExceededException: quotaUsedUp,
}

/** Where one name stands for several things. */
function byText(error: SdkError): Meaning | undefined {
  const { name, message } = error
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
  if (missingRight(message) === "iam:PassRole")
    return {
      kind: "access-denied",
      what: "these credentials may not hand the role to Lambda (iam:PassRole); `cellfan lambda policy` prints the rights that are needed",
    }
  return error.$metadata?.httpStatusCode === 413 ? tooLarge : undefined
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
