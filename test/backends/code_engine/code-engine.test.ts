import { expect } from "chai"
import { CodeEngine, type CodeEngineOptions } from "../../../kernel-ext/backends/code_engine/code-engine.ts"
import { instanceSize } from "../../../kernel-ext/backends/code_engine/sizes.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { type CodeEngineServer, startCodeEngine, testApiKey } from "../../support/servers/code-engine.ts"
import { runsContainers } from "../serverless/containers.ts"
import { tellsOfFailures } from "../serverless/failures.ts"
import { backendOn, PlatformExecutor, temporaryFolder } from "../serverless/jobs.ts"
import { codeEnginesRefusals } from "./refusals.ts"

describe("Code Engine", function () {
  this.timeout(60_000)
  let server: CodeEngineServer
  before(async () => {
    server = await startCodeEngine()
  })
  after(() => server?.stop())
  afterEach(() => expect(server.violations).to.deep.equal([]))

  const folder = temporaryFolder()
  const at = (options: Partial<CodeEngineOptions> = {}) =>
    new CodeEngine({
      ...{ endpoint: `${server.url}/v2`, iamEndpoint: server.url, apiKey: () => testApiKey },
      ...{ region: "eu-de", workers: 4, memoryMiB: 512, timeoutMs: 20_000 },
      ...options,
    })

  conformsToBackend("code_engine", () => backendOn(at(), { storageFolder: folder.path }))
  runsContainers((more) => at(more))
  tellsOfFailures({
    refused: codeEnginesRefusals(at, () => server, "apps"),
    make: at,
    conditions: () => server.conditions,
    doesNotStart:
      /could not call cellfan-.*where that goes on, its instances do not start.*`ibmcloud ce app logs --name cellfan-/,
  })

  it("makes the project that it needs, once, and the token of IAM serves for all requests", async () => {
    await backendOn(at({ project: "new one" })).open()
    await backendOn(at({ project: "new one" })).open()
    expect([...server.projects.values()].filter(({ name }) => name === "new one")).to.have.length(1)
  })

  it("takes the smallest size that is large enough, and as many processors as a task can use", () => {
    expect(instanceSize(512)).to.deep.equal({ memory: "500M", cpu: "0.25", usableMiB: 476 })
    expect(instanceSize(1500)).to.include({ memory: "2G", cpu: "1" })
    expect(instanceSize(1500, 2)).to.include({ memory: "4G", cpu: "2" })
    expect(() => instanceSize(100_000)).to.throw(
      /there is no instance of 100000 MiB; memory and processors go together/,
    )
  })

  it("reckons what calls cost", async () => {
    await using fexec = new PlatformExecutor(at({ memoryMiB: 4096 }))
    const job = fexec.map(() => new Promise((resolve) => setTimeout(resolve, 300)), [1])
    await job
    const each = 0.3 * (1 * 3.431e-5 + 4 * 3.56e-6) + 5.38e-7
    expect(job.costUsd).to.be.within(each, each * 30)
  })

  it("tells what is wrong with key, region, image, size and quota, and what to do", async () => {
    const wrong: [Partial<CodeEngineOptions>, RegExp, string][] = [
      [{ image: "registry.test/none:1" }, /its image cannot be had .*option `image` takes another/, "init"],
      [{ memoryMiB: 100_000 }, /there is no instance of 100000 MiB/, "setup"],
      [{ endpoint: "http://127.0.0.1:9/v2" }, /nothing answers there; look at option `endpoint`/, "network"],
    ]
    for (const [options, message, kind] of wrong) {
      const error = await backendOn(at(options))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
    const errors = (message: string) => ({ errors: [{ code: "x", message }] })
    const apps = "/v2/projects/{project_id}/apps"
    const replies: [string, number, string, RegExp, string][] = [
      [
        `POST ${apps}`,
        403,
        "You are not authorized.",
        /may not do that; it needs the roles Writer/,
        "access-denied",
      ],
      [`POST ${apps}`, 400, "The value of scale_request_timeout is invalid.", /does not take it/, "setup"],
    ]
    for (const [route, status, said, message, kind] of replies) {
      server.planned.set(route, [{ status, body: errors(said) }])
      const error = await backendOn(at({ memoryMiB: 2048 }))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
  })
})
