import type { Platform } from "../../../kernel-ext/backends/serverless/platform.ts"
import type { GoogleAccess } from "../../../kernel-ext/util/google.ts"
import type { FailuresOf, Refused } from "./failures.ts"

interface GoogleOptions extends GoogleAccess {
  readonly endpoint?: string
  readonly region?: string
  readonly tokens?: undefined
}

/** Where Google's library looks. */
const variables: Readonly<Record<string, string | undefined>> = {
  GOOGLE_APPLICATION_CREDENTIALS: undefined,
  CLOUDSDK_CONFIG: "/nonexistent",
  METADATA_SERVER_DETECTION: "none",
}

/**
 * What Google's platforms say of credentials that are missing or wrong, by Google's own library, and of regions and quotas.
 *
 * @param plan Has the server answer the next request of this kind so.
 */
export function googlesRefusals(
  make: (options: GoogleOptions) => Platform,
  plan: (request: "list" | "create", status: number, message: string) => void,
): FailuresOf["refused"] {
  let before: (readonly [string, string | undefined])[] = []
  afterEach(() => {
    set(before)
    before = []
  })
  const alone = () => {
    before = Object.keys(variables).map((name) => [name, process.env[name]] as const)
    set(Object.entries(variables))
  }
  // Tokens go over TLS only; nothing answers there, and nothing is asked before there is a token.
  const real = { endpoint: "https://127.0.0.1:9", tokens: undefined, project: "test-project" }
  const key = { type: "service_account", client_email: "a@b.iam.gserviceaccount.com", private_key: "cut" }
  const missing: Refused = {
    kind: "credentials",
    says: /no credentials were found; run `gcloud auth application-default login`, or name the key/,
    plan: alone,
    make: () => make(real),
  }
  return {
    "credentials missing": missing,
    "credentials wrong": {
      kind: "credentials",
      says: /the credentials cannot be used; `credentialsFile` .* take the JSON key of a service account, whole/,
      plan: alone,
      make: () => make({ ...real, credentials: JSON.stringify(key) }),
    },
    region: {
      kind: "region",
      says: /there is no such region; option `region` takes one like europe-west1/,
      plan: () => plan("list", 404, "Location nowhere-west1 is not found or access is unauthorized."),
      make: () => make({ region: "nowhere-west1" }),
    },
    quota: {
      kind: "quota",
      says: /a quota of the project is used up, or too small; fewer `workers` may fit/,
      plan: () => plan("create", 400, "Max instances must be set to 10 or fewer to satisfy quota violation"),
      make: () => make({}),
    },
  }
}

function set(values: Iterable<readonly [string, string | undefined]>): void {
  for (const [name, value] of values)
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
}
