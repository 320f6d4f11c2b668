import { StorageError } from "../errors.ts"
import { credentialHints, credentialProblem, type GoogleProblem, googleProblem } from "../util/google.ts"
import {
  byStatus,
  type CalledObject,
  type Meaning,
  networkMeaning,
  noBucket,
  notFound,
  storageError,
  takenName,
  tooOften,
} from "./errors.ts"

/** What Google Cloud Storage's errors mean, and what can be done about them. */

/** An answer that is an error's. */
export function refusalOf(status: number, body: string, call: CalledObject): StorageError {
  const problem = googleProblem(status, body)
  return storageError(meaningOf(problem), call, { cause: new Error(problem.message) })
}

/** What kept an answer from coming. An aborted call throws the signal's reason. */
export function tellGcs(error: unknown, call: CalledObject, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (error instanceof StorageError || !(error instanceof Error)) return error
  const problem = credentialProblem(error)
  const meaning: Meaning =
    problem !== undefined
      ? {
          kind: problem === "expired" ? "access-denied" : "setup",
          what: `was not reached: ${credentialHints[problem]}`,
        }
      : (networkMeaning(error, call.endpoint) ?? byStatus(undefined, error.message))
  return storageError(meaning, call, { cause: bare(error) })
}

/** Without the request that the library hangs on: it holds tokens. */
function bare({ name, message, stack }: Error): Error {
  const error = Object.assign(new Error(message), { name })
  error.stack = stack ?? `${name}: ${message}`
  return error
}

function meaningOf({ status, message, reasons }: GoogleProblem): Meaning {
  const found = reasons.map((reason) => named[reason]).find((one) => one !== undefined)
  if (found !== undefined) return found
  if (status === 401)
    return {
      kind: "access-denied",
      what: "was refused: the credentials are not right, or have expired; run `gcloud auth application-default login` again",
    }
  if (status === 403)
    return {
      kind: "access-denied",
      what: `was refused: these credentials may not do that; the role roles/storage.admin on the bucket or the project lets them. Google said: ${message}`,
    }
  if (status === 404) return /bucket/i.test(message) ? noBucket : notFound
  if (status === 409) return takenName
  return byStatus(status, message)
}

const notEnabled: Meaning = {
  kind: "setup",
  what: "was refused: the project has no Cloud Storage; `gcloud services enable storage.googleapis.com` turns it on",
}
const noBilling: Meaning = {
  kind: "setup",
  what: "was refused: the project has no billing account, or it is closed",
}

const named: Readonly<Record<string, Meaning>> = {
  rateLimitExceeded: tooOften,
  userRateLimitExceeded: tooOften,
  accessNotConfigured: notEnabled,
  SERVICE_DISABLED: notEnabled,
  accountDisabled: noBilling,
  billingNotEnabled: noBilling,
  quotaExceeded: { kind: "no-space", what: "could not be written: the project's quota is used up" },
}
