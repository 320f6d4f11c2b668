import { expect } from "chai"
import { CloudRun, type CloudRunOptions } from "../../../kernel-ext/backends/gcp_cloudrun/cloudrun.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { type CloudRunServer, identityToken, startCloudRun } from "../../support/servers/cloudrun.ts"
import { accessToken, withGooglesIdentity } from "../../support/servers/google-metadata.ts"
import { runsContainers } from "../serverless/containers.ts"
import { tellsOfFailures } from "../serverless/failures.ts"
import { googlesRefusals } from "../serverless/google-failures.ts"
import { backendOn, messageOf, PlatformExecutor, temporaryFolder } from "../serverless/jobs.ts"

describe("Cloud Run", function () {
  this.timeout(60_000)
  let server: CloudRunServer
  before(async () => {
    server = await startCloudRun()
  })
  after(() => server?.stop())
  afterEach(() => expect(server.violations).to.deep.equal([]))

  const folder = temporaryFolder()
  const tokens = {
    project: async () => "test-project",
    headersFor: async () => ({ authorization: `Bearer ${accessToken}` }),
    identityFor: async (url: string) => ({ authorization: `Bearer ${identityToken(url)}` }),
  }
  const at = (options: Partial<CloudRunOptions> = {}) =>
    new CloudRun({
      ...{ endpoint: server.url, region: "europe-west1", tokens, workers: 4 },
      ...{ memoryMiB: 512, timeoutMs: 20_000 },
      ...options,
    })
  const services = "/v2/projects/{project}/locations/{location}/services"

  conformsToBackend("gcp_cloudrun", () => backendOn(at(), { storageFolder: folder.path }))
  runsContainers((more) => at(more))

  tellsOfFailures({
    refused: googlesRefusals(
      (options) => at({ memoryMiB: 800, ...options }),
      (request, status, message) =>
        server.planned.set(`${request === "list" ? "GET" : "POST"} ${services}`, [
          { status, body: { error: { code: status, status: "INVALID_ARGUMENT", message } } },
        ]),
    ),
    make: at,
    conditions: () => server.conditions,
    doesNotStart:
      /could not call cellfan-.*where that goes on, its instances do not start.*`gcloud run services logs read cellfan-\S+ --region europe-west1`/,
  })

  it("reckons what calls cost, in steps of 100 milliseconds", async () => {
    await using fexec = new PlatformExecutor(at({ memoryMiB: 1024 }))
    const job = fexec.map(() => new Promise((resolve) => setTimeout(resolve, 250)), [1])
    await job
    const each = 0.3 * (2.4e-5 + 2.5e-6) + 4e-7
    expect(job.costUsd).to.be.within(each, each * 30)
  })

  it("tells what is wrong with credentials, region, rights, image and quota, and what to do", async () => {
    const wrong: [Partial<CloudRunOptions>, RegExp, string][] = [
      [{ region: undefined }, /need a region: option `region`, such as europe-west1/, "region"],
      [
        { tokens: { ...tokens, headersFor: async () => ({ authorization: "" }) } },
        /does not accept the credentials/,
        "credentials",
      ],
      [{ image: "registry.test/none:1" }, /its image cannot be had; option `image` takes another/, "init"],
      [{ image: "registry.test/none:1", memoryMiB: 600 }, /Image 'registry.test\/none:1' not found/, "init"],
    ]
    for (const [options, message, kind] of wrong) {
      const error = await backendOn(at(options))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
    const google = (code: number, status: string, message: string, details: object[] = []) => ({
      ...{ status: code, body: { error: { code, status, message, details } } },
    })
    const replies: [string, ReturnType<typeof google>, RegExp, string][] = [
      [
        `GET ${services}`,
        google(
          403,
          "PERMISSION_DENIED",
          "Cloud Run Admin API has not been used in project 1 before or it is disabled.",
          [{ reason: "SERVICE_DISABLED" }],
        ),
        /run `gcloud services enable run\.googleapis\.com`/,
        "setup",
      ],
      [
        `GET ${services}`,
        google(403, "PERMISSION_DENIED", "Permission 'run.services.list' denied"),
        /need the role Cloud Run Developer/,
        "access-denied",
      ],
      [
        `POST ${services}`,
        google(403, "PERMISSION_DENIED", "Permission 'iam.serviceaccounts.actAs' denied on service account"),
        /role Service Account User/,
        "role",
      ],
    ]
    for (const [more, [route, reply, message, kind]] of replies.entries()) {
      server.planned.set(route, [reply])
      const error = await backendOn(at({ memoryMiB: 700 + more }))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
  })

  it("calls with an identity token that Google's own library gets from the metadata of its machine", async () => {
    const audiences = await withGooglesIdentity(async (identityFor) => {
      await using fexec = new PlatformExecutor(at({ memoryMiB: 1536, tokens: { ...tokens, identityFor } }))
      expect(await fexec.map((n: number) => n + 1, [1, 2])).to.deep.equal([2, 3])
    })
    expect(audiences).to.have.length(1)
    expect(audiences[0]).to.match(/^https:\/\/127\.0\.0\.1:\d+\/run\/cellfan-/)
  })

  it("tells of calls that these credentials may not make", async () => {
    await using fexec = new PlatformExecutor(
      at({ tokens: { ...tokens, identityFor: async () => ({}) } as never }),
    )
    expect(await messageOf(fexec.map((n: number) => n, [1]))).to.match(
      /they need the role Cloud Run Invoker in the project: Your client does not have permission/,
    )
    const identityFor = () =>
      Promise.reject(
        new Error(
          "Cannot fetch ID token in this environment, use GCE or set the GOOGLE_APPLICATION_CREDENTIALS",
        ),
      )
    await using person = new PlatformExecutor(at({ tokens: { ...tokens, identityFor } }))
    expect(await messageOf(person.map((n: number) => n, [1]))).to.match(
      /calls need an identity token, which the credentials of a person do not give; name the key of a service account/,
    )
  })
})
