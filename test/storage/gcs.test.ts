import { expect } from "chai"
import { Storage } from "../../kernel-ext/index.ts"
import type { StorageDescription } from "../../kernel-ext/protocol/storage.ts"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { type GoogleAccess, GoogleTokens } from "../../kernel-ext/util/google.ts"
import { conformsToStorage, failure } from "../conformance/storage.ts"
import { type Certificate, makeCertificate, openssl } from "../support/certificate.ts"
import { need } from "../support/needs.ts"
import { type Answers, startAnswers } from "../support/servers/answers.ts"
import { fakeGcs, startFakeGcs } from "../support/servers/fake-gcs.ts"
import { startFlaky } from "../support/servers/flaky.ts"
import { accessToken, type GoogleMetadata, startGoogleMetadata } from "../support/servers/google-metadata.ts"
import type { Server } from "../support/servers/server-process.ts"

function describeGcs(endpoint: string): StorageDescription {
  return { backend: "gcp_storage", bucket: "tests", options: { endpoint, project: "a-project" } }
}

describe("Google Cloud Storage, on fake-gcs-server", () => {
  let server: Server
  before(async function () {
    this.timeout(60_000)
    server = await startFakeGcs(need(this, fakeGcs.what, fakeGcs.find()))
  })
  after(() => server?.stop())

  conformsToStorage("gcp_storage", async () => {
    const storage = new StorageClient(describeGcs(server.url))
    await storage.createBucket()
    return storage
  })

  it("makes a bucket for those who name none, the same for all of the project", async () => {
    const storage = new StorageClient({ ...describeGcs(server.url), bucket: undefined })
    const { bucket } = await storage.put("a", "x")
    expect(bucket).to.match(/^cellfan-us-[0-9a-f]{12}$/)
    expect(await new StorageClient({ ...describeGcs(server.url), bucket: undefined }).text("a")).to.equal("x")
  })

  it("loses nothing where a fifth of all answers is throttled, failed, reset or cut", async () => {
    const proxy = await startFlaky(server.url, 0.2)
    try {
      const storage = new StorageClient(describeGcs(proxy.url))
      await storage.createBucket()
      const names = Array.from({ length: 200 }, (_, n) => `broken/${n}`)
      for (const name of names) await storage.put(name, name.repeat(100))
      for (const name of names) expect(await storage.text(name)).to.equal(name.repeat(100))
      const found: string[] = []
      for await (const { key } of storage.list("broken/")) found.push(key)
      expect(found).to.have.members(names)
      for (const [how, count] of Object.entries(proxy.broken)) expect(count, how).to.be.greaterThan(5)
    } finally {
      await proxy.stop()
    }
  }).timeout(60_000)
})

describe("What goes wrong on Google Cloud Storage", () => {
  let google: Answers
  let storage: StorageClient
  before(async () => {
    google = await startAnswers()
    storage = new StorageClient(describeGcs(google.url))
  })
  after(() => google.stop())

  const refusal = (code: number, message: string, reason: string) => ({
    status: code,
    body: JSON.stringify({ error: { code, message, errors: [{ message, reason, domain: "global" }] } }),
  })

  const cases: [what: string, answer: { status: number; body: string }, kind: string, words: RegExp][] = [
    [
      "credentials that are wrong or expired",
      refusal(401, "Invalid Credentials", "authError"),
      "access-denied",
      /object "a" in tests .*run `gcloud auth application-default login` again/,
    ],
    [
      "rights that are missing",
      refusal(403, "x does not have storage.objects.get access", "forbidden"),
      "access-denied",
      /roles\/storage.admin .*x does not have storage.objects.get access/,
    ],
    [
      "a service that is not turned on",
      refusal(403, "Cloud Storage has not been used", "accessNotConfigured"),
      "setup",
      /gcloud services enable storage.googleapis.com/,
    ],
    [
      "billing that is off",
      refusal(403, "The billing account is disabled", "accountDisabled"),
      "setup",
      /has no billing account/,
    ],
    [
      "an object that is not there",
      { status: 404, body: "No such object: tests/a" },
      "not-found",
      /does not exist/,
    ],
    [
      "a bucket that is not there",
      refusal(404, "The specified bucket does not exist.", "notFound"),
      "not-found",
      /no such bucket; storage.createBucket\(\)/,
    ],
    ["too many requests", refusal(429, "slow down", "rateLimitExceeded"), "throttled", /asked for too often/],
    [
      "a service that fails",
      { status: 503, body: "<html>Backend <b>Error</b></html>" },
      "unavailable",
      /Backend Error \(HTTP 503\)/,
    ],
  ]
  for (const [what, answer, kind, words] of cases)
    it(`tells of ${what}`, async () => {
      google.answers = [answer]
      const error = await failure(storage.text("a"))
      expect(error).to.include({ kind, backend: "gcp_storage" })
      expect(error.message).to.match(words)
    }).timeout(20_000)

  it("says which bucket is somebody else's", async () => {
    const taken = refusal(409, "The requested bucket name is not available.", "conflict")
    google.answers = [refusal(404, "The specified bucket does not exist.", "notFound"), taken]
    expect(await failure(storage.createBucket())).to.include({ kind: "exists" })
  })
})

describe("Credentials of Google Cloud Storage", () => {
  let certificate: Certificate
  let google: Answers
  let metadata: GoogleMetadata
  before(async function () {
    certificate = makeCertificate(need(this, openssl.what, openssl.find()))
    google = await startAnswers(certificate)
    metadata = await startGoogleMetadata()
  })
  after(async () => {
    await metadata?.stop()
    await google?.stop()
    certificate?.remove()
  })

  it("are those of the machine where nobody names others, and go over TLS", async () => {
    const storage = new Storage({
      ...{ backend: "gcp_storage", bucket: "tests", endpoint: google.url, caFile: certificate.caFile },
    })
    await storage.text("a")
    expect(google.asked.at(-1)?.headers.authorization).to.equal(`Bearer ${accessToken}`)
  })

  it("say whose quota is used, where that is said", async () => {
    process.env.GOOGLE_CLOUD_QUOTA_PROJECT = "who-pays"
    try {
      const options = { endpoint: google.url, project: "a-project", authority: certificate.cert }
      await new StorageClient({ backend: "gcp_storage", bucket: "others", options }).text("a")
      expect(google.asked.at(-1)?.headers).to.include({ "x-goog-user-project": "who-pays" })
    } finally {
      delete process.env.GOOGLE_CLOUD_QUOTA_PROJECT
    }
  })

  it("say which project they are of, unless somebody else does", async () => {
    const credentials = JSON.stringify({ type: "service_account", project_id: "of-the-key" })
    const projectOf = (access: GoogleAccess) =>
      new GoogleTokens(access, () => import("google-auth-library")).project()
    expect(await projectOf({ credentials })).to.equal("of-the-key")
    expect(await projectOf({})).to.equal("a-project")
    process.env.GOOGLE_CLOUD_PROJECT = "of-the-environment"
    try {
      expect(await projectOf({ credentials })).to.equal("of-the-environment")
      expect(await projectOf({ credentials, project: "of-the-option" })).to.equal("of-the-option")
    } finally {
      delete process.env.GOOGLE_CLOUD_PROJECT
    }
  })

  it("go nowhere without TLS", async () => {
    const open = await startAnswers()
    try {
      await new StorageClient(describeGcs(open.url)).text("a")
      expect(open.asked).to.have.length(1)
      expect(open.asked[0]?.headers).not.to.have.property("authorization")
    } finally {
      await open.stop()
    }
  })

  it("that cannot be used are told, and not shown", async () => {
    const key = {
      type: "service_account",
      client_email: "a@b.iam.gserviceaccount.com",
      private_key: "hush",
      project_id: "p",
    }
    const storage = new StorageClient({
      ...describeGcs(google.url),
      options: { endpoint: google.url, authority: certificate.cert },
      secrets: { credentials: JSON.stringify(key) },
    })
    const error = await failure(storage.text("a"))
    expect(error).to.include({ kind: "setup" })
    expect(error.message)
      .to.match(/cannot be used; `credentialsFile`/)
      .and.not.include("hush")
  })
})
