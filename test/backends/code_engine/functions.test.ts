import { expect } from "chai"
import { CodeEngine, type CodeEngineOptions } from "../../../kernel-ext/backends/code_engine/code-engine.ts"
import { functionSize } from "../../../kernel-ext/backends/code_engine/sizes.ts"
import { sendRequest, textOf } from "../../../kernel-ext/util/http.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { need } from "../../support/needs.ts"
import { type CodeEngineServer, startCodeEngine, testApiKey } from "../../support/servers/code-engine.ts"
import { openWhiskRuntime } from "../../support/servers/openwhisk-container.ts"
import { tellsOfFailures } from "../serverless/failures.ts"
import { runsFunctions } from "../serverless/functions.ts"
import { backendOn, PlatformExecutor, temporaryFolder } from "../serverless/jobs.ts"
import { codeEnginesRefusals } from "./refusals.ts"

describe("Code Engine's functions", function () {
  this.timeout(60_000)
  let server: CodeEngineServer
  before(async function () {
    this.timeout(240_000)
    server = await startCodeEngine({ runtime: need(this, openWhiskRuntime.what, openWhiskRuntime.find()) })
  })
  after(() => server?.stop())
  afterEach(() => expect(server?.violations ?? []).to.deep.equal([]))

  const folder = temporaryFolder()
  const at = (options: Partial<CodeEngineOptions> = {}) =>
    new CodeEngine({
      ...{ endpoint: `${server.url}/v2`, iamEndpoint: server.url, apiKey: () => testApiKey },
      ...{ region: "eu-de", workload: "function", workers: 4, memoryMiB: 512, timeoutMs: 20_000 },
      ...options,
    })

  conformsToBackend("code_engine, as functions", () => backendOn(at(), { storageFolder: folder.path }))

  tellsOfFailures({
    refused: codeEnginesRefusals(at, () => server, "functions"),
    make: at,
    conditions: () => server.conditions,
    doesNotStart: /could not call cellfan-.*its code does not load: The function code could not be loaded/,
  })

  runsFunctions(at, () => [...server.functions.values()].at(-1)?.runs.started)

  it("makes a function once, finds it again, lists it beside apps and deletes it", async () => {
    const told: string[] = []
    const make = () => backendOn(at({ env: { MARK: "1" } }), { onProgress: (text) => told.push(text) })
    await make().open()
    await make().open()
    const [name = "", ...others] = told.flatMap((text) => /^Deployed (\S+)/.exec(text)?.[1] ?? [])
    expect(others).to.deep.equal([])
    const apps = backendOn(at({ workload: "app" }))
    await apps.open()
    const { functions } = await apps.list()
    expect(functions.map(({ runtime }) => runtime)).to.include.members(["nodejs-22", "node:22-slim"])
    expect(functions.find((one) => one.name === name)).to.include({ memoryMiB: 1024, timeoutMs: 20_000 })
    expect(server.secrets.has(name)).to.equal(true)
    expect([await apps.remove(name), await apps.remove(name)]).to.deep.equal([true, false])
    expect([server.secrets.has(name), server.functions.has(name)]).to.deep.equal([false, false])
  })

  it("lets nobody call a function who has not its token, which its tasks do not see", async () => {
    await using fexec = new PlatformExecutor(at())
    expect(await fexec.map(() => process.env.CELLFAN_TOKEN ?? "none", [1])).to.deep.equal(["none"])
    const [name] = server.functions.keys()
    const answer = await sendRequest(`${server.url}/functions/${name}`, { method: "POST", body: "{}" })
    expect([answer.status, await textOf(answer)]).to.deep.equal([
      401,
      "The call has not the token of this function.",
    ])
  })

  it("sends what is larger than a call by way of storage", async () => {
    const large = "x".repeat(2_000_000)
    await using fexec = new PlatformExecutor(at(), { storageFolder: folder.path })
    expect(await fexec.map((text: string) => text, [large])).to.deep.equal([large])
  })

  it("says what functions have not, and what does", async () => {
    const wrong: [Partial<CodeEngineOptions>, RegExp][] = [
      [{ timeoutMs: 180_000 }, /functions run for at most 120 s, not 180 .*apps do: leave `workload` out/],
      [{ image: "node:22" }, /functions have no `image`; apps do/],
      [{ concurrency: 2 }, /functions run one call at once, not 2 .*apps do/],
      [{ memoryMiB: 5000 }, /no instance of 5000 MiB; .* go together: 1024 MiB \(0\.25\), 2048 MiB \(0\.5\)/],
    ]
    for (const [options, message] of wrong) {
      const error = await backendOn(at(options))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind: "setup" })
    }
    expect(functionSize(1500)).to.deep.equal({ memory: "2G", cpu: "0.5", usableMiB: 1907 })
  })
})
