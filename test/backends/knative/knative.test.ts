import { writeFileSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import { Knative, type KnativeOptions } from "../../../kernel-ext/backends/knative/knative.ts"
import { sendRequest, textOf } from "../../../kernel-ext/util/http.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { makeCertificate, openssl } from "../../support/certificate.ts"
import { need } from "../../support/needs.ts"
import { type KnativeServer, startKnative } from "../../support/servers/knative.ts"
import { runsContainers } from "../serverless/containers.ts"
import { tellsOfFailures } from "../serverless/failures.ts"
import { backendOn, messageOf, PlatformExecutor, temporaryFolder } from "../serverless/jobs.ts"

describe("Knative", function () {
  this.timeout(60_000)
  let server: KnativeServer
  before(async () => {
    server = await startKnative()
  })
  after(() => server?.stop())
  afterEach(() => expect(server.violations).to.deep.equal([]))

  const folder = temporaryFolder()
  const at = (options: Partial<KnativeOptions> = {}) =>
    new Knative({
      ...{ kubeconfig: server.kubeconfig, ingressEndpoint: server.url, workers: 4 },
      ...{ memoryMiB: 512, timeoutMs: 20_000 },
      ...options,
    })
  let emptyConfig = ""
  const services = "/apis/serving.knative.dev/v1/namespaces/{namespace}/services"

  conformsToBackend("knative", () => backendOn(at(), { storageFolder: folder.path }))
  runsContainers((more) => at(more))

  it("lets nobody call a service who has not its token", async () => {
    await backendOn(at()).open()
    const [name] = server.services.keys()
    const answer = await sendRequest(server.url, {
      ...{ method: "POST", body: "{}", headers: { host: `${name}.default.example.test` } },
    })
    expect([answer.status, await textOf(answer)]).to.deep.equal([
      401,
      JSON.stringify({ error: "The call has not the token of this worker." }),
    ])
    expect(
      [...server.secrets.values()].every(({ stringData }) => (stringData?.token?.length ?? 0) >= 32),
    ).to.equal(true)
  })

  const statusOf = (code: number, message: string) => ({ status: code, body: { kind: "Status", message } })
  tellsOfFailures({
    refused: {
      "credentials missing": {
        kind: "setup",
        says: /need a kubeconfig: ~\/\.kube\/config, KUBECONFIG, or option `kubeconfig`/,
        plan: () => {
          emptyConfig = join(folder.path, "empty-config")
          writeFileSync(emptyConfig, JSON.stringify({ apiVersion: "v1", kind: "Config" }))
        },
        make: () => at({ kubeconfig: emptyConfig }),
      },
      "credentials wrong": {
        kind: "credentials",
        says: /the cluster does not know who this is; log in to it again/,
        plan: () => server.planned.set(`GET ${services}`, [statusOf(401, "Unauthorized")]),
        make: at,
      },
      region: "Clusters have none: the kubeconfig says where.",
      quota: {
        kind: "quota",
        says: /the namespace has used up its quota; `memoryMiB` and `workers` may be smaller/,
        plan: () =>
          server.planned.set(`POST ${services}`, [
            statusOf(403, "exceeded quota: compute, requested: memory=1Gi"),
          ]),
        make: () => at({ memoryMiB: 800 }),
      },
    },
    make: at,
    conditions: () => server.conditions,
    doesNotStart: /could not call cellfan-.*where that goes on, its instances do not start.*`kubectl logs /,
  })

  it("tells what is wrong with kubeconfig, context, image, time and rights, and what to do", async () => {
    const wrong: [Partial<KnativeOptions>, RegExp, string][] = [
      [{ kubeconfig: "/nowhere/config" }, /need a kubeconfig, but \/nowhere\/config cannot be read/, "setup"],
      [{ context: "other" }, /the context "other", which the kubeconfig has not; it has test/, "setup"],
      [{ image: "registry.test/none:1" }, /its image cannot be had; option `image` takes another/, "init"],
    ]
    for (const [options, message, kind] of wrong) {
      const error = await backendOn(at(options))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
    const replies: [string, { status: number; body: object }, RegExp, string][] = [
      [
        `GET ${services}`,
        statusOf(403, "services.serving.knative.dev is forbidden"),
        /may not do that; they need to get/,
        "access-denied",
      ],
      [
        `GET ${services}`,
        statusOf(404, "the server could not find the requested resource"),
        /has no Knative Serving/,
        "setup",
      ],
      [
        `POST ${services}`,
        statusOf(400, "admission webhook denied the request: validation failed"),
        /does not take the service/,
        "setup",
      ],
    ]
    for (const [at_, [route, reply, message, kind]] of replies.entries()) {
      server.planned.set(route, [reply])
      const error = await backendOn(at({ memoryMiB: 600 + at_ }))
        .open()
        .catch((error: Error) => error)
      expect((error as Error).message).to.match(message)
      expect(error).to.include({ name: "BackendError", kind })
    }
  })

  it("reaches a cluster by TLS, with its authority and a certificate of one's own", async function () {
    const certificate = makeCertificate(need(this, openssl.what, openssl.find()))
    const cluster = await startKnative({ tls: certificate })
    try {
      const { kubeconfig } = cluster
      const backend = backendOn(at({ kubeconfig }))
      expect((await backend.list()).functions).to.deep.equal([])
      expect(cluster.violations).to.deep.equal([])
      const text = await readFile(kubeconfig, "utf8")
      await writeFile(kubeconfig, text.replace(/"certificate-authority-data":"[^"]*"/, '"name":"test"'))
      expect(await messageOf(backendOn(at({ kubeconfig })).list())).to.match(
        /certificate of the service is not trusted/,
      )
    } finally {
      await cluster.stop()
      certificate.remove()
    }
  })

  it("makes a service anew that somebody has deleted", async () => {
    await using fexec = new PlatformExecutor(at({ memoryMiB: 700 }))
    await fexec.map((n: number) => n, [1])
    const [name = ""] = [...server.services.keys()].filter((one) => one.includes("700mib"))
    await backendOn(at()).open()
    const other = backendOn(at())
    await other.open()
    await other.remove(name)
    expect(await fexec.map((n: number) => n + 1, [1, 2])).to.deep.equal([2, 3])
    expect([...server.services.keys()]).to.include(name)
  })
})
