import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { readConfiguration } from "../../kernel-ext/config/load.ts"
import { serverlessNames } from "../../kernel-ext/config/serverless/providers.ts"
import { ConfigError } from "../../kernel-ext/errors.ts"
import { platforms } from "../../kernel-ext/executors/platforms.ts"
import { ServerlessExecutor } from "../../kernel-ext/executors/serverless.ts"

/** As Lithops' own documents have them. */
const lithops = {
  lithops: { backend: "knative" },
  ibm: { iam_api_key: "hush-hush", region: "eu-de", resource_group_id: "abc" },
  code_engine: {
    project_name: "mine",
    runtime_cpu: 2,
    runtime_memory: 4096,
    runtime_timeout: 120,
    max_workers: 9,
  },
  knative: {
    ...{ kubecfg_path: "/some/config", ingress_endpoint: "http://127.0.0.1:80", networking_layer: "kourier" },
    ...{ docker_user: "me", runtime: "me/image", runtime_memory: 512, runtime_timeout: 600, runtime_cpu: 1 },
  },
  gcp: { region: "us-east1", credentials_path: "/some/key.json" },
  gcp_cloudrun: { max_workers: 7, runtime_memory: 512, runtime_timeout: 300, trigger: "https" },
  openwhisk: {
    ...{ endpoint: "https://192.168.1.30", namespace: "guest", api_key: "name:hush-hush", insecure: true },
    ...{ runtime_memory: 256, runtime_timeout: 240, invoke_pool_threads: 500 },
  },
}

describe("Serverless platforms as they are configured", () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-platforms-"))
    // JSON is YAML.
    writeFileSync(join(folder, "cellfan.config.yaml"), JSON.stringify(lithops, undefined, 2))
  })
  after(() => rmSync(folder, { recursive: true }))
  const configured = () => readConfiguration({ env: { HOME: folder }, folder })

  it("understand Lithops' sections and keys, in its units", () => {
    expect(configured().section("knative")).to.include({
      ...{ kubeconfig: "/some/config", ingressEndpoint: "http://127.0.0.1:80" },
      ...{ memoryMiB: 512, timeoutMs: 600_000, cpu: 1 },
    })
    const { apiKey, ...codeEngine } = configured().section("code_engine")
    expect(codeEngine).to.include({
      ...{ region: "eu-de", resourceGroupId: "abc", project: "mine" },
      ...{ cpu: 2, memoryMiB: 4096, timeoutMs: 120_000, workers: 9 },
    })
    expect([String(apiKey), apiKey?.reveal()]).to.deep.equal(["•••", "hush-hush"])
    expect(configured().section("gcp_cloudrun")).to.include({
      ...{
        region: "us-east1",
        credentialsFile: "/some/key.json",
        memoryMiB: 512,
        timeoutMs: 300_000,
        workers: 7,
      },
    })
    expect(configured().section("openwhisk")).to.include({
      ...{ endpoint: "https://192.168.1.30", namespace: "guest", insecure: true },
      ...{ memoryMiB: 256, timeoutMs: 240_000 },
    })
  })

  it("are each made of a section, with defaults for what is not said", () => {
    const empty = readConfiguration({ env: { HOME: "/nowhere" }, folder: "/nowhere" })
    for (const name of serverlessNames) {
      const { platform, workers } = platforms[name](empty, {}, "the test")
      expect(platform.name).to.equal(name)
      expect(platform.size.memoryMiB).to.be.within(128, platform.limits.memoryMiB)
      expect(platform.size.timeoutMs).to.be.within(1000, platform.limits.timeoutMs)
      expect(workers).to.be.greaterThan(0)
    }
  })

  it("refuse what only others have, and what is beyond their limits, by name", () => {
    const make = (options: object) => () => new ServerlessExecutor(options as never)
    expect(make({ backend: "openwhisk", concurrency: 2 })).to.throw(
      ConfigError,
      /the backend openwhisk has no option `concurrency`; it is one of .*knative/,
    )
    expect(make({ backend: "knative", timeoutMs: 900_000 })).to.throw(/timeoutMs/)
    expect(make({ backend: "code_engine", memoryMiB: 100_000 })).to.throw(/memoryMiB/)
    expect(make({ backend: "cloudrun" })).to.throw(/gcp_cloudrun/)
  })
})
