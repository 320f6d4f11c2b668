import { join } from "node:path"
import { expect } from "chai"
import { executeNotebook, type Notebook, textIn } from "../support/jupyter.ts"
import { need } from "../support/needs.ts"
import { root } from "../support/repository.ts"
import { startCodeEngine, testApiKey } from "../support/servers/code-engine.ts"
import { startKnative } from "../support/servers/knative.ts"
import { startOpenWhisk, testKey } from "../support/servers/openwhisk.ts"
import { openWhiskRuntime } from "../support/servers/openwhisk-container.ts"
import type { StrictServer } from "../support/servers/strict-server.ts"

describe("notebooks/serverless.ipynb, the same on three platforms", function () {
  this.timeout(400_000)
  const servers: StrictServer[] = []
  const notebooks = new Map<string, Notebook>()

  before(async function () {
    const runtime = need(this, openWhiskRuntime.what, openWhiskRuntime.find())
    const knative = await startKnative()
    const codeEngine = await startCodeEngine()
    const openWhisk = await startOpenWhisk({ runtime })
    servers.push(knative, codeEngine, openWhisk)
    const platforms: Record<string, Record<string, string>> = {
      knative: {
        CELLFAN_KNATIVE_KUBECONFIG: knative.kubeconfig,
        CELLFAN_KNATIVE_INGRESS_ENDPOINT: knative.url,
      },
      code_engine: {
        IBMCLOUD_API_KEY: testApiKey,
        CELLFAN_CODE_ENGINE_REGION: "eu-de",
        CELLFAN_CODE_ENGINE_ENDPOINT: `${codeEngine.url}/v2`,
        CELLFAN_CODE_ENGINE_IAM_ENDPOINT: codeEngine.url,
      },
      openwhisk: {
        CELLFAN_OPENWHISK_ENDPOINT: openWhisk.url,
        CELLFAN_OPENWHISK_API_KEY: testKey,
        CELLFAN_OPENWHISK_NAMESPACE: "_",
      },
    }
    for (const [name, env] of Object.entries(platforms)) {
      const workers = { CELLFAN_BACKEND: name, [`CELLFAN_${name.toUpperCase()}_WORKERS`]: "2" }
      const file = join(root, "notebooks", "serverless.ipynb")
      const executed = await executeNotebook(file, { env: { ...env, ...workers } })
      expect(executed.code, `${name}: ${executed.stderr}`).to.equal(0)
      notebooks.set(name, executed.notebook)
    }
  })
  after(() => Promise.all(servers.map((server) => server.stop())))
  afterEach(() => expect(servers.flatMap(({ violations }) => violations)).to.deep.equal([]))

  function outputOf(platform: string, beginning: string): string {
    const cell = notebooks.get(platform)?.cells.find(({ source }) => textIn(source).startsWith(beginning))
    return (cell?.outputs ?? [])
      .map(({ text, data }) => textIn(text ?? (data?.["text/plain"] as string | undefined)))
      .join("\n")
  }

  for (const name of ["knative", "code_engine", "openwhisk"]) {
    it(`has the same numbers on ${name} as on this machine`, () => {
      const done = new RegExp(`40 tasks, 40 done.*ServerlessExecutor on ${name}`)
      expect(outputOf(name, "%%ServerlessExecutor")).to.match(done)
      expect(outputOf(name, "console.log(there.every")).to.match(/^true/)
      expect(outputOf(name, "const risky")).to.match(/1\n.*called process.exit\(1\).*\n9/)
    })
  }

  it("has the same numbers on all of them", () => {
    const of = (name: string) => outputOf(name, "console.log(there.every")
    expect(of("code_engine")).to.equal(of("knative"))
    expect(of("openwhisk")).to.equal(of("knative"))
  })

  it("costs something where there are prices, and nothing on machines of one's own", () => {
    expect(outputOf("code_engine", "import { Serverless")).to.include("a fraction of a cent")
    expect(outputOf("knative", "import { Serverless")).to.include("It costs nothing")
  })
})
