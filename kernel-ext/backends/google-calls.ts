import { BackendError } from "../errors.ts"
import { type GoogleAccess, type GoogleAuthLibrary, GoogleTokens } from "../util/google.ts"
import { loadPackage } from "../util/load-package.ts"
import { callMeaning, type GoogleService, tokenError } from "./google-errors.ts"
import { callWorker, type HttpService } from "./serverless/http.ts"
import type { Callable } from "./serverless/platform.ts"

/** What Google's serverless platforms share: tokens, and calls that carry one. */

export type Tokens = Pick<GoogleTokens, "project" | "headersFor" | "identityFor">

export interface TokenOptions extends GoogleAccess {
  readonly region?: string | undefined
  /** Default: those of Google's own library. */
  readonly tokens?: Tokens | undefined
}

/**
 * Tokens for a service; where there are none, its error says why.
 *
 * @param importIt Imports google-auth-library, in the provider's own file.
 */
export function tokensFor(
  service: GoogleService,
  options: TokenOptions,
  importIt: () => Promise<GoogleAuthLibrary>,
): Tokens {
  const missing = (cause: unknown) => notInstalled(service, cause)
  const library = () => loadPackage("google-auth-library", importIt, missing)
  const { tokens = new GoogleTokens(options, library) } = options
  const told = <T>(asked: Promise<T>): Promise<T> =>
    asked.catch((error) => {
      throw tokenError(service, error)
    })
  return {
    project: () => told(tokens.project()),
    headersFor: (url) => told(tokens.headersFor(url)),
    identityFor: (url) => told(tokens.identityFor(url)),
  }
}

/** Told once for all that a service needs, whichever of them was missed first. */
export function notInstalled({ name, title, packages }: GoogleService, cause: unknown): BackendError {
  return new BackendError(
    `Tasks on ${title} need Google's own library, which is not installed: run npm install ${packages}`,
    { backend: name, kind: "setup", retryable: false, cause },
  )
}

/** @throws BackendError where nobody says which. */
export function regionFor({ name, title }: GoogleService, { region }: TokenOptions): string {
  if (region !== undefined) return region
  throw new BackendError(
    `Tasks on ${title} need a region: option \`region\`, such as europe-west1, or \`region\` in the section gcp of the configuration.`,
    { backend: name, kind: "region", retryable: false },
  )
}

/** Calls the worker at `url`, with a token that says who calls. */
export function callOf(
  google: GoogleService,
  { name, url, place, tokens }: { name: string; url: string; place: string; tokens: Tokens },
): Callable["call"] {
  const service: HttpService = {
    ...{ name: google.name, title: google.title, place, addressHint: "the network" },
    meaningOf: (refusal) => callMeaning(google, `${name} --region ${place}`, refusal),
  }
  return async (event, answer, signal) => {
    const headers = await tokens.identityFor(url)
    return callWorker(service, { url, headers, doing: `call ${name}` }, event, answer, signal)
  }
}
