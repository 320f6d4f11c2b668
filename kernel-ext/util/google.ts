/** How Google's services are reached: whose credentials, and the tokens they give. The library is the caller's to load. */

/** What is used of google-auth-library. */
export interface GoogleAuthLibrary {
  GoogleAuth: new (options: {
    scopes: string
    credentials?: object
  }) => {
    getProjectId(): Promise<string>
    getRequestHeaders(): Promise<Headers>
    getCredentials(): Promise<{ client_email?: string | undefined }>
    getIdTokenClient(audience: string): Promise<{ getRequestHeaders(url?: string): Promise<Headers> }>
  }
}

export interface GoogleAccess {
  /** A key of a service account, or what `gcloud auth application-default login` writes: JSON. Default: found as Google's own libraries do. */
  readonly credentials?: string | undefined
  /** Default: that of the credentials, or of GOOGLE_CLOUD_PROJECT. */
  readonly project?: string | undefined
}

const scope = "https://www.googleapis.com/auth/cloud-platform"

export class GoogleTokens {
  readonly #access: GoogleAccess
  readonly #load: () => Promise<GoogleAuthLibrary>
  #auth: Promise<InstanceType<GoogleAuthLibrary["GoogleAuth"]>> | undefined
  readonly #asking = new Map<string, Promise<Headers>>()
  readonly #idClients = new Map<string, Promise<{ getRequestHeaders(): Promise<Headers> }>>()

  /** @param load Loads google-auth-library, when a token is needed for the first time. */
  constructor(access: GoogleAccess, load: () => Promise<GoogleAuthLibrary>) {
    this.#access = access
    this.#load = load
  }

  async project(): Promise<string> {
    const { project = process.env.GOOGLE_CLOUD_PROJECT || this.#given()?.project_id } = this.#access
    return project ?? (await this.#opened()).getProjectId()
  }

  /** For management and storage: a token, and whose quota is used. They go over TLS only: an emulator without it needs none. */
  async headersFor(url: string): Promise<Record<string, string>> {
    if (!url.startsWith("https:")) return {}
    return Object.fromEntries(await (await this.#opened()).getRequestHeaders())
  }

  /** For calling what runs at a URL. The library keeps tokens until they expire. */
  async identityFor(url: string): Promise<Record<string, string>> {
    if (!url.startsWith("https:")) return {}
    let client = this.#idClients.get(url)
    if (client === undefined) {
      client = this.#opened().then((auth) => auth.getIdTokenClient(url))
      this.#idClients.set(url, client)
      client.catch(() => this.#idClients.delete(url))
    }
    // The library asks once for each call that comes before it has a token: a job begins with hundreds.
    let asking = this.#asking.get(url)
    if (asking === undefined) {
      asking = client.then((one) => one.getRequestHeaders())
      this.#asking.set(url, asking)
      const done = () => this.#asking.delete(url)
      asking.then(done, done)
    }
    return { authorization: (await asking).get("authorization") ?? "" }
  }

  #opened() {
    this.#auth ??= this.#open()
    this.#auth.catch(() => {
      this.#auth = undefined
    })
    return this.#auth
  }

  async #open() {
    const { GoogleAuth } = await this.#load()
    const credentials = this.#given()
    return new GoogleAuth({ scopes: scope, ...(credentials !== undefined && { credentials }) })
  }

  /** The library does not look for a project in credentials that it is given. */
  #given(): { readonly project_id?: string } | undefined {
    const { credentials } = this.#access
    return credentials === undefined ? undefined : JSON.parse(credentials)
  }
}

export type CredentialProblem = "missing" | "expired" | "unusable" | "no-project"

/** What is wrong where no token could be had; undefined where that is not the reason. */
export function credentialProblem(error: unknown): CredentialProblem | undefined {
  const { message = "" } = error as Error
  if (/Could not load the default credentials|credentials file .* does not exist/i.test(message))
    return "missing"
  if (/Unable to detect a Project Id/i.test(message)) return "no-project"
  if (/invalid_grant|invalid_rapt|reauth/i.test(message)) return "expired"
  if (/DECODER|PEM|incoming JSON|client_email|invalid_client|Unexpected token|not match.*type/i.test(message))
    return "unusable"
  return undefined
}

export const credentialHints: Readonly<Record<CredentialProblem, string>> = {
  missing:
    "no credentials were found; run `gcloud auth application-default login`, or name the key of a service account by GOOGLE_APPLICATION_CREDENTIALS, or by `credentialsFile` in the section gcp of the configuration",
  expired:
    "the credentials have expired or were withdrawn; run `gcloud auth application-default login` again",
  unusable:
    "the credentials cannot be used; `credentialsFile` and GOOGLE_APPLICATION_CREDENTIALS take the JSON key of a service account, whole",
  "no-project":
    "it is not known which project to use; set `project` in the section gcp, or GOOGLE_CLOUD_PROJECT",
}

/** What Google's services say of an error. */
export interface GoogleProblem {
  readonly status: number
  readonly message: string
  /** "rateLimitExceeded", "SERVICE_DISABLED", …; empty where none is given. */
  readonly reasons: readonly string[]
}

/** Reads the body of an answer whose status is an error's. */
export function googleProblem(status: number, body: string): GoogleProblem {
  try {
    const { error } = JSON.parse(body) as { error: { message?: string; status?: string } & Details }
    const reasons = [...(error.errors ?? []), ...(error.details ?? [])].map(({ reason }) => reason)
    const all = [error.status, ...reasons].filter((one) => one !== undefined)
    return { status, message: error.message ?? body, reasons: all }
  } catch {
    const text = body
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ")
      .trim()
    return { status, message: text.slice(0, 500) || `HTTP ${status}`, reasons: [] }
  }
}

interface Details {
  readonly errors?: readonly { readonly reason?: string }[]
  readonly details?: readonly { readonly reason?: string }[]
}
