import { expect } from "chai"
import {
  CloudFunctions,
  type CloudFunctionsOptions,
} from "../../../kernel-ext/backends/gcp_functions/functions.ts"
import { functionSource } from "../../../kernel-ext/backends/gcp_functions/source.ts"
import { StorageClient } from "../../../kernel-ext/storage/storage.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { need } from "../../support/needs.ts"
import { drongo, startDrongo } from "../../support/servers/drongo.ts"
import { fakeGcs, startFakeGcs } from "../../support/servers/fake-gcs.ts"
import {
  type FunctionsServer,
  googles,
  identityToken,
  startFunctions,
} from "../../support/servers/gcp-functions.ts"
import { accessToken, withGooglesIdentity } from "../../support/servers/google-metadata.ts"
import type { Server } from "../../support/servers/server-process.ts"
import { runsContainers } from "../serverless/containers.ts"
import { tellsOfFailures } from "../serverless/failures.ts"
import { googlesRefusals } from "../serverless/google-failures.ts"
import { backendOn, messageOf, PlatformExecutor, temporaryFolder } from "../serverless/jobs.ts"

describe("Google Cloud Functions", function () {
  this.timeout(60_000)
  let management: Server
  let server: FunctionsServer
  before(async function () {
    this.timeout(120_000)
    management = await startDrongo(need(this, drongo.what, drongo.find()))
    server = await startFunctions(management)
  })
  after(async () => {
    await server?.stop()
    await management?.stop()
  })
  afterEach(() => expect(server?.violations ?? []).to.deep.equal([]))

  const folder = temporaryFolder()
  const tokens = {
    project: async () => "test-project",
    headersFor: async () => ({ authorization: `Bearer ${accessToken}` }),
    identityFor: async (url: string) => ({ authorization: `Bearer ${identityToken(url)}` }),
  }
  const at = (options: Partial<CloudFunctionsOptions> = {}) =>
    new CloudFunctions({
      ...{ endpoint: server.url, region: "europe-west1", tokens, workers: 4 },
      ...{ memoryMiB: 512, timeoutMs: 20_000 },
      ...options,
    })

  conformsToBackend("gcp_functions", () => backendOn(at(), { storageFolder: folder.path }))
  runsContainers((more) => at(more))

  it("sends a source of less than a megabyte", () => {
    expect(functionSource().length).to.be.lessThan(1024 ** 2)
  })

  tellsOfFailures({
    refused: googlesRefusals(
      (options) => at({ memoryMiB: 800, ...options }),
      (request, status, message) =>
        server.planned.push({
          match: request === "list" ? /GET .*functions\?/ : /POST .*functions\?/,
          ...{ status, body: googles(status, status === 404 ? "NOT_FOUND" : "INVALID_ARGUMENT", message) },
        }),
    ),
    make: at,
    conditions: () => server.conditions,
    doesNotStart:
      /could not call cellfan-.*where that goes on, its instances do not start.*`gcloud functions logs read cellfan-\S+ --region europe-west1`/,
  })

  it("reckons what calls cost: processors that go with the memory, in steps of 100 milliseconds", async () => {
    await using fexec = new PlatformExecutor(at({ memoryMiB: 1024 }))
    const job = fexec.map(() => new Promise((resolve) => setTimeout(resolve, 250)), [1])
    await job
    const each = 0.3 * (0.583 * 2.4e-5 + 2.5e-6) + 4e-7
    expect(job.costUsd).to.be.within(each, each * 40)
  })

  const failing = (message: string, code?: string) => ({
    ...tokens,
    headersFor: () => Promise.reject(Object.assign(new Error(message), { code })),
  })
  const wrong: [what: string, options: Partial<CloudFunctionsOptions>, kind: string, words: RegExp][] = [
    ["no region", { region: undefined }, "region", /need a region: option `region`, such as europe-west1/],
    [
      "expired credentials",
      { tokens: failing("invalid_grant: Token has been expired or revoked.") },
      "credentials",
      /have expired or were withdrawn/,
    ],
    [
      "tokens that cannot be asked for, since the network is gone",
      { tokens: failing("request failed, reason: getaddrinfo ENOTFOUND oauth2.googleapis.com", "ENOTFOUND") },
      "network",
      /Google's server of tokens was not; look at the network: request failed/,
    ],
    [
      "no project",
      { tokens: { ...tokens, project: () => Promise.reject(new Error("Unable to detect a Project Id")) } },
      "setup",
      /set `project` in the section gcp, or GOOGLE_CLOUD_PROJECT/,
    ],
    [
      "a token that Google does not take",
      { tokens: { ...tokens, headersFor: async () => ({ authorization: "" }) } },
      "credentials",
      /does not accept the credentials/,
    ],
    [
      "a host that is not there",
      { endpoint: "http://nowhere.invalid" },
      "setup",
      /there is no host of that name; look at option `endpoint`/,
    ],
  ]
  for (const [what, options, kind, words] of wrong)
    it(`tells of ${what}`, async () => {
      const error = await backendOn(at(options))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(words)
      expect(error).to.include({ name: "BackendError", backend: "gcp_functions", kind })
    })

  const disabled = googles(403, "PERMISSION_DENIED", "Cloud Functions API has not been used", [
    { reason: "SERVICE_DISABLED" },
  ])
  const buildIsDisabled =
    "Cloud Build API has not been used in project p before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/cloudbuild.googleapis.com/overview?project=p then retry."
  const denied = (what: string) => googles(403, "PERMISSION_DENIED", what)
  const refusals: [what: string, match: RegExp, status: number, body: object, kind: string, words: RegExp][] =
    [
      [
        "an interface that is not turned on",
        /GET .*functions\?/,
        403,
        disabled,
        "setup",
        /run `gcloud services enable cloudfunctions\.googleapis\.com`/,
      ],
      [
        "rights that are missing",
        /GET .*functions\?/,
        403,
        denied("Permission 'cloudfunctions.functions.list' denied"),
        "access-denied",
        /need the role Cloud Functions Developer/,
      ],
      [
        "an account that functions may not run as",
        /POST .*functions\?/,
        403,
        denied("Caller is missing permission 'iam.serviceaccounts.actAs' on service account"),
        "role",
        /role Service Account User/,
      ],
      [
        "a region that Google does not have, or not for functions",
        /GET .*functions\?/,
        403,
        denied("Permission denied on 'locations/us-central' (or it may not exist)."),
        "region",
        /no such region .*option `region` takes one like europe-west1/,
      ],
      [
        "a quota, in words that speak of regions and of billing",
        /POST .*functions\?/,
        400,
        googles(
          ...([400, "INVALID_ARGUMENT"] as const),
          "Could not create Cloud Run service f. spec.template.spec.containers.resources.limits.cpu: Invalid value specified for cpu. For the specified value, maxScale may not exceed 10.\nConsider running your workload in a region with greater capacity, or requesting an increase in quota. Your project may gain access to further scaling by adding billing information.",
        ),
        "quota",
        /a quota of the project is used up, or too small; fewer `workers` may fit/,
      ],
      [
        "an interface that the build needs, and that is not turned on",
        /POST .*functions\?/,
        403,
        googles(403, "PERMISSION_DENIED", buildIsDisabled, [{ reason: "SERVICE_DISABLED" }]),
        "setup",
        /run `gcloud services enable cloudbuild\.googleapis\.com`/,
      ],
      [
        "a project without billing",
        /GET .*functions\?/,
        403,
        denied("This API method requires billing to be enabled. Please enable billing on project #p."),
        "setup",
        /has no billing account that is active; the console's "Billing" links one/,
      ],
    ]
  for (const [at_, [what, match, status, body, kind, words]] of refusals.entries())
    it(`tells of ${what}`, async () => {
      server.planned.push({ match, status, body })
      const error = await backendOn(at({ memoryMiB: 700 + at_ }))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(words)
      expect(error).to.include({ name: "BackendError", backend: "gcp_functions", kind })
    })

  it("tells of a build that fails, and makes the function anew at the next try", async () => {
    server.buildErrors = ["Build failed: npm error code E404"]
    const backend = backendOn(at({ memoryMiB: 640 }))
    const error = await backend.open().catch((error: Error) => error)
    expect((error as Error).message).to.match(/could not make the function .*npm error code E404/)
    expect(error).to.include({ kind: "init" })
    await backend.open()
    await backend.close()
  })

  it("tells of a build that fails for an interface that is not turned on", async () => {
    server.buildErrors = [`Build failed: ${buildIsDisabled}`]
    const error = await backendOn(at({ memoryMiB: 650 }))
      .open()
      .catch((error: Error) => error)
    expect((error as Error).message).to.match(/run `gcloud services enable cloudbuild\.googleapis\.com`/)
    expect(error).to.include({ kind: "setup" })
  })

  it("waits for a function to be gone that was just deleted, and makes it anew", async () => {
    const body = { name: "f", state: "DELETING" }
    for (let times = 0; times < 2; times++)
      server.planned.push({ match: /GET .*functions\/cellfan-660mib/, status: 200, body })
    const uploads = server.uploads.length
    await using fexec = new PlatformExecutor(at({ memoryMiB: 660 }))
    expect(await fexec.map((n: number) => n + 1, [1])).to.deep.equal([2])
    expect(server.uploads).to.have.length(uploads + 1)
  })

  it("calls with an identity token that Google's own library gets from the metadata of its machine", async () => {
    const audiences = await withGooglesIdentity(async (identityFor) => {
      await using fexec = new PlatformExecutor(at({ memoryMiB: 576, tokens: { ...tokens, identityFor } }))
      expect(await fexec.map((n: number) => n + 1, [1, 2])).to.deep.equal([2, 3])
    })
    expect(audiences).to.have.length(1)
    expect(audiences[0]).to.match(/^https:\/\/127\.0\.0\.1:\d+\/run\/cellfan-/)
  })

  it("tells of calls that these credentials may not make", async () => {
    const platform = at({ tokens: { ...tokens, identityFor: async () => ({ authorization: "" }) } })
    await using fexec = new PlatformExecutor(platform)
    expect(await messageOf(fexec.map((n: number) => n, [1]))).to.match(
      /they need the role Cloud Run Invoker in the project/,
    )
  })

  it("sends what is larger than a call by way of storage where there is one", async () => {
    await using fexec = new PlatformExecutor(at(), { storageFolder: folder.path })
    expect(await fexec.map((bytes: Uint8Array) => bytes.length, [new Uint8Array(30e6)])).to.deep.equal([30e6])
  })

  it("sends what is larger than a call by way of Google's storage, both ways", async function () {
    const gcs = await startFakeGcs(need(this, fakeGcs.what, fakeGcs.find()))
    try {
      const storage = {
        ...{ backend: "gcp_storage", bucket: "tests" },
        options: { endpoint: gcs.url, project: "test-project" },
      }
      await new StorageClient(storage).createBucket()
      await using fexec = new PlatformExecutor(at(), { storage })
      const [there] = await fexec.map((bytes: Uint8Array) => bytes.fill(7), [new Uint8Array(40e6)])
      expect([there?.length, there?.[39e6]]).to.deep.equal([40e6, 7])
    } finally {
      await gcs.stop()
    }
  })

  it("deletes a function, and says whether it was there", async () => {
    const backend = backendOn(at({ memoryMiB: 600 }))
    await backend.open()
    const [name = ""] = (await backend.list()).functions
      .filter(({ memoryMiB }) => memoryMiB === 600)
      .map((one) => one.name)
    expect(await backend.remove(name)).to.equal(true)
    expect(await backend.remove(name)).to.equal(false)
    await backend.close()
  })
})
