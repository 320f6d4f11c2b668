import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { GoogleTokens } from "../../../kernel-ext/util/google.ts"

/** The one that servers of tests take in place of Google. */
export const accessToken = "ya29.an-access-token-of-the-test"

/** What every machine of Google's asks for tokens and its project: Google's own library finds it by GCE_METADATA_HOST. */
export interface GoogleMetadata {
  /** Who asked for an identity, by audience. */
  readonly audiences: string[]
  /** Lets this process be such a machine, with no credentials of its own; `stop` undoes it. */
  stop(): Promise<void>
}

const variables = [
  "GCE_METADATA_HOST",
  "GOOGLE_APPLICATION_CREDENTIALS",
  "GOOGLE_CLOUD_PROJECT",
  "CLOUDSDK_CONFIG",
]

export async function startGoogleMetadata(project = "a-project"): Promise<GoogleMetadata> {
  const audiences: string[] = []
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://metadata")
    response.setHeader("metadata-flavor", "Google")
    const path = pathname.replace("/computeMetadata/v1/", "")
    const audience = searchParams.get("audience")
    if (path === "project/project-id") response.end(project)
    else if (path === "universe/universe-domain") response.end("googleapis.com")
    else if (path.endsWith("/token"))
      response
        .setHeader("content-type", "application/json")
        .end(JSON.stringify({ access_token: accessToken, expires_in: 3600, token_type: "Bearer" }))
    else if (path.endsWith("/identity") && audience !== null) {
      audiences.push(audience)
      response.end(identityFor(audience))
    } else response.end("x")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const before = variables.map((name) => [name, process.env[name]] as const)
  for (const name of variables) delete process.env[name]
  process.env.GCE_METADATA_HOST = `127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env.CLOUDSDK_CONFIG = "/nonexistent"
  return {
    audiences,
    stop: async () => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/**
 * Runs `work` with identity tokens as Google's own library gets them from its machine. Resolves with the audiences that were asked for.
 */
export async function withGooglesIdentity(
  work: (identityFor: GoogleTokens["identityFor"]) => Promise<void>,
): Promise<readonly string[]> {
  const metadata = await startGoogleMetadata()
  try {
    const library = new GoogleTokens({}, () => import("google-auth-library"))
    // Servers of tests have no TLS, without which no token is sent.
    await work((url) => library.identityFor(url.replace(/^http:/, "https:")))
    return metadata.audiences
  } finally {
    await metadata.stop()
  }
}

/** Whether a request's header has a token for this address that is still good. */
export function isIdentityFor(authorization: string | undefined, audience: string): boolean {
  const [, body = ""] = /^Bearer [\w-]+\.([\w-]+)\.[\w-]+$/.exec(authorization ?? "") ?? []
  if (body === "") return false
  const { aud, exp } = JSON.parse(Buffer.from(body, "base64url").toString())
  return aud === audience && exp > Date.now() / 1000
}

/** As a token is written: it says for whom it is and until when. */
export function identityFor(audience: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  const exp = Math.floor(Date.now() / 1000) + 3600
  return `${part({ alg: "RS256" })}.${part({ aud: audience, exp, iss: "https://accounts.google.com" })}.c2lnbmF0dXJl`
}
