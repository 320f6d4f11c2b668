import { join } from "node:path"
import { expect } from "chai"
import { OpenWhisk, type OpenWhiskOptions } from "../../../kernel-ext/backends/openwhisk/openwhisk.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { need } from "../../support/needs.ts"
import { type OpenWhiskServer, startOpenWhisk, testKey } from "../../support/servers/openwhisk.ts"
import { openWhiskRuntime } from "../../support/servers/openwhisk-container.ts"
import { tellsOfFailures } from "../serverless/failures.ts"
import { runsFunctions } from "../serverless/functions.ts"
import { backendOn, messageOf, PlatformExecutor, temporaryFolder } from "../serverless/jobs.ts"

describe("OpenWhisk", function () {
  this.timeout(60_000)
  let server: OpenWhiskServer
  before(async function () {
    this.timeout(240_000)
    const runtime = need(this, openWhiskRuntime.what, openWhiskRuntime.find())
    server = await startOpenWhisk({ runtime, concurrentInvocations: 4, blockingMs: 1500 })
  })
  after(() => {
    delete process.env.WSK_CONFIG_FILE
    return server?.stop()
  })
  afterEach(() => expect(server?.violations ?? []).to.deep.equal([]))

  const at = (options: Partial<OpenWhiskOptions> = {}) =>
    new OpenWhisk({
      ...{ endpoint: server.url, apiKey: () => testKey, memoryMiB: 256, timeoutMs: 20_000, namespace: "_" },
      ...options,
    })
  const invokeRoute = "POST /api/v1/namespaces/{namespace}/actions/{name}"

  const folder = temporaryFolder()
  conformsToBackend("openwhisk", () => backendOn(at(), { storageFolder: folder.path }))

  tellsOfFailures({
    refused: {
      "credentials missing": {
        kind: "credentials",
        says: /need the key: AUTH in .*\(`wsk property get --auth` shows it\), or `apiKey` in the section openwhisk/,
        plan: () => {
          process.env.WSK_CONFIG_FILE = join(folder.path, "no.wskprops")
        },
        make: () => at({ apiKey: undefined }),
      },
      "credentials wrong": {
        kind: "credentials",
        says: /could not be reached: the key is not right; look at `apiKey`/,
        make: () => at({ apiKey: () => "a:b" }),
      },
      region: "It has none: its address says where.",
      quota: {
        kind: "quota",
        says: /allows no actions of that size; look at `memoryMiB`/,
        make: () => at({ memoryMiB: 1024 }),
      },
    },
    make: (more) => at({ ...more, env: { MARK: `failures ${more.memoryMiB}` }, memoryMiB: 256 }),
    conditions: () => server.conditions,
    doesNotStart: /could not start: /,
  })

  runsFunctions(at, () => server.containers.started)

  it("makes an action once, finds it again, lists it and deletes it", async () => {
    const told: string[] = []
    const backend = backendOn(at({ env: { MARK: "1" } }), { onProgress: (text) => told.push(text) })
    await backend.open()
    await backendOn(at({ env: { MARK: "1" } })).open()
    expect(told.filter((text) => text.startsWith("Deployed"))).to.have.length(1)
    const { functions } = await backend.list()
    const [name = ""] = told.flatMap((text) => /^Deployed (\S+)/.exec(text)?.[1] ?? [])
    const found = functions.find((one) => one.name === name)
    expect(found).to.include({ memoryMiB: 256, timeoutMs: 20_000, runtime: "nodejs:20" })
    expect(await backend.remove(name)).to.equal(true)
    expect(await backend.remove(name)).to.equal(false)
  })

  it("asks for the result of what takes longer than a call may wait", async () => {
    await using fexec = new PlatformExecutor(at())
    const slow = (n: number) => new Promise<number>((resolve) => setTimeout(() => resolve(n * 2), 2500))
    expect(await fexec.map(slow, [1, 2])).to.deep.equal([2, 4])
    expect(server.requests.get("GET /api/v1/namespaces/{namespace}/activations/{id}")).to.be.greaterThan(0)
  })

  it("names the task that kills its container, and starts another for the rest", async () => {
    await using fexec = new PlatformExecutor(at())
    const job = fexec.map((n: number) => (n === 1 ? process.kill(process.pid, "SIGKILL") : n), [0, 1, 2], {
      chunkSize: 1,
    })
    const settled = await job.settled()
    expect(settled.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"])
    expect(await messageOf(job)).to.match(/Where that is for lack of memory, a larger `memoryMiB` helps/)
  })

  it("tells what is wrong with key, host, namespace, runtime and size, and what to do", async () => {
    const wrong: [Partial<OpenWhiskOptions>, RegExp, string][] = [
      [{ apiKey: () => "nonsense" }, /need the valid key: NAME:PASSWORD/, "credentials"],
      [{ endpoint: "http://127.0.0.1:9" }, /nothing answers there; look at option `endpoint`/, "network"],
      [{ endpoint: "http://nowhere.invalid" }, /there is no host of that name/, "setup"],
      [{ runtime: "nodejs:99" }, /it has not this Node\.js; option `runtime` takes another/, "setup"],
      [{ timeoutMs: 900_000 }, /allows no actions that run so long; look at `timeoutMs`/, "quota"],
    ]
    for (const [options, message, kind] of wrong) {
      const error = await backendOn(at(options))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
  })

  it("calls again where the controller fails, and gives up on what will not pass", async () => {
    await using fexec = new PlatformExecutor(at())
    await fexec.map((n: number) => n, [1])
    const error = (status: number, text: string) => ({ status, body: { error: text } })
    server.planned.set(invokeRoute, [
      error(500, "There was an internal server error."),
      error(503, "System is overloaded, try again later."),
      error(429, "Too many requests in the last minute (count: 61, allowed: 60)."),
    ])
    expect(await fexec.map((n: number) => n + 1, [1])).to.deep.equal([2])
    server.planned.set(invokeRoute, [error(403, "The supplied authentication is not authorized.")])
    expect(await messageOf(fexec.map((n: number) => n, [1]))).to.include("this key may not use the namespace")
    const init = { error: "Initialization has failed due to: SyntaxError" }
    server.planned.set(invokeRoute, [
      {
        status: 502,
        body: {
          activationId: "a",
          duration: 1,
          response: { status: "action developer error", result: init },
        },
      },
    ])
    expect(await messageOf(fexec.map((n: number) => n, [1]))).to.include("could not start: Initialization")
  })
})
