import { BackendError } from "../errors.ts"
import { credentialHints, credentialProblem, googleProblem } from "../util/google.ts"
import { codeOf, notReached } from "../util/service-errors.ts"
import { byStatus, type Meaning, messageIn, noAnswer, type Refusal } from "./serverless/http.ts"

/** What the errors of Google's serverless platforms and of calls mean, and what can be done about them. */

export interface GoogleService {
  /** The backend: "gcp_cloudrun". */
  readonly name: string
  /** "Cloud Run": in sentences. */
  readonly title: string
  /** What `gcloud services enable` takes. */
  readonly api: string
  /** The role that lets deploy. */
  readonly developer: string
  /** What shows what instances said; name and region follow. */
  readonly logs: string
  /** What `npm install` takes. */
  readonly packages: string
}

/** Of what manages services and functions. */
export function managementMeaning(service: GoogleService, { status, text }: Refusal): Meaning | undefined {
  const { message, reasons } = googleProblem(status, text)
  if (status === 401)
    return { kind: "credentials", what: `Google does not accept the credentials; ${credentialHints.expired}` }
  if (reasons.includes("SERVICE_DISABLED")) return notEnabled(apiIn(message) ?? service.api)
  // Its words may speak of regions and of billing, too.
  if (/quota|max(imum)? instances|allowed CPU|limit/i.test(message) && (status === 400 || status === 429))
    return usedUp(status === 429 && /per minute|rate/i.test(message) ? "throttled" : "quota", message)
  if (/billing/i.test(message) && (status === 400 || status === 403))
    return {
      kind: "setup",
      what: `the project has no billing account that is active; the console's "Billing" links one: ${message}`,
    }
  if (status === 403 && /actAs|serviceAccountUser/i.test(message))
    return {
      kind: "role",
      what: `these credentials may not run services as that account; they need the role Service Account User for it, or \`serviceAccount\` names another: ${message}`,
    }
  if (status === 403 && /'locations\/[^']*' \(or it may not exist\)/i.test(message))
    return {
      kind: "region",
      what: `there is no such region for it, or the project may not use it; option \`region\` takes one like europe-west1: ${message}`,
    }
  if (status === 403)
    return {
      kind: "access-denied",
      what: `these credentials may not do that; they need the role ${service.developer} in the project: ${message}`,
    }
  if (/location|region/i.test(message) && (status === 400 || status === 404))
    return {
      kind: "region",
      what: `there is no such region; option \`region\` takes one like europe-west1: ${message}`,
    }
  if (status === 404 && /project/i.test(message))
    return { kind: "setup", what: `there is no such project; look at option \`project\`: ${message}` }
  if (status === 400) return { kind: "setup", what: `${service.title} does not take it: ${message}` }
  return byStatus(status, text)
}

/** @param named What is called, as `gcloud` takes it: its name and where it is. */
export function callMeaning(
  service: GoogleService,
  named: string,
  { status, text }: Refusal,
): Meaning | undefined {
  const said = messageIn(text)
  if (status === 401 || status === 403)
    return {
      kind: "access-denied",
      what: `these credentials may not call it; they need the role Cloud Run Invoker in the project: ${said}`,
    }
  if (status === 404)
    return { kind: "not-found", what: "it was deleted since it was deployed. Run the cell again" }
  if (status === 413)
    return {
      kind: "too-large",
      what: `the request is larger than the 32 MiB that ${service.title} takes; configure storage`,
    }
  if (status === 429 || /no available instance/i.test(said))
    return { kind: "throttled", what: "there is no instance for it now; cellfan waits and calls again" }
  if (status >= 500) return noAnswer(said, `${service.logs} ${named}`)
  return byStatus(status, text)
}

/**
 * Why what was deployed does not become ready, as its condition says it.
 *
 * @param hasImage Whether there is an option for another image.
 */
export function notReady(message: string, hasImage: boolean): Meaning {
  const api = apiIn(message)
  if (api !== undefined) return notEnabled(api)
  if (/quota/i.test(message)) return usedUp("quota", message)
  if (hasImage && /image|pull/i.test(message))
    return { kind: "init", what: `its image cannot be had; option \`image\` takes another: ${message}` }
  return { kind: "init", what: `it does not start: ${message}` }
}

/** The interface that a message asks to enable: building a function takes others than its own. */
function apiIn(message: string): string | undefined {
  return /has not been used in project.*\/apis\/api\/([\w.-]+\.googleapis\.com)/is.exec(message)?.[1]
}

function notEnabled(api: string): Meaning {
  return {
    kind: "setup",
    what: `the project has not enabled ${api}; run \`gcloud services enable ${api}\`, and try again some minutes later`,
  }
}

function usedUp(kind: "quota" | "throttled", message: string): Meaning {
  const what = `a quota of the project is used up, or too small; fewer \`workers\` may fit, and the console's "Quotas" raises it: ${message}`
  return { kind, what }
}

/** What is wrong where Google's library gives no token. */
export function tokenError(service: GoogleService, error: unknown): BackendError {
  if (error instanceof BackendError) return error
  const { message } = error as Error
  const problem = credentialProblem(error)
  if (problem === undefined && notReached(error) !== undefined && !codeOf(error).startsWith("ERR_"))
    return new BackendError(
      `${service.title} could not be reached, since Google's server of tokens was not; look at the network: ${message}.`,
      { backend: service.name, kind: "network", retryable: true, cause: error },
    )
  const what = /Cannot fetch ID token/i.test(message)
    ? "calls need an identity token, which the credentials of a person do not give; name the key of a service account by GOOGLE_APPLICATION_CREDENTIALS, or by `credentialsFile` in the section gcp of the configuration"
    : problem === undefined
      ? `Google gave no token: ${message}`
      : credentialHints[problem]
  return new BackendError(`${service.title} could not be reached: ${what}.`, {
    ...{
      backend: service.name,
      kind: problem === "no-project" ? "setup" : "credentials",
      retryable: false,
      cause: error,
    },
  })
}
