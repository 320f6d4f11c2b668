import { execFile } from "node:child_process"
import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect } from "chai"
import { OpenWhisk, type OpenWhiskOptions } from "../../../kernel-ext/backends/openwhisk/openwhisk.ts"
import { type Certificate, makeCertificate, openssl } from "../../support/certificate.ts"
import { need } from "../../support/needs.ts"
import { startFlaky } from "../../support/servers/flaky.ts"
import { type OpenWhiskServer, startOpenWhisk, testKey } from "../../support/servers/openwhisk.ts"
import { openWhiskRuntime } from "../../support/servers/openwhisk-container.ts"
import { messageOf, PlatformExecutor } from "../serverless/jobs.ts"

describe("Connections to OpenWhisk", function () {
  this.timeout(60_000)
  let certificate: Certificate
  let runtime: string
  let server: OpenWhiskServer
  before(async function () {
    this.timeout(240_000)
    runtime = need(this, openWhiskRuntime.what, openWhiskRuntime.find())
    certificate = makeCertificate(need(this, openssl.what, openssl.find()))
    server = await startOpenWhisk({ runtime, blockingMs: 1000 })
  })
  after(async () => {
    await server?.stop()
    certificate?.remove()
  })
  afterEach(() => expect(server.violations).to.deep.equal([]))

  const at = (endpoint: string, options: Partial<OpenWhiskOptions> = {}) =>
    new OpenWhisk({
      ...{ endpoint, apiKey: () => testKey, memoryMiB: 256, timeoutMs: 20_000, namespace: "_" },
      ...options,
    })

  it("take a certificate as it is only where they are told to, whatever the environment says", async () => {
    const secure = await startOpenWhisk({ runtime, tls: certificate })
    try {
      expect(await messageOf(at(secure.url).open())).to.match(
        /its certificate is not trusted; option `insecure`.* takes it as it is: self-signed certificate/,
      )
      await withEnv({ __OW_IGNORE_CERTS: "true", __OW_API_HOST: "nowhere.invalid" }, async () => {
        expect(await messageOf(at(secure.url).open())).to.include("its certificate is not trusted")
      })
      await using fexec = new PlatformExecutor(at(secure.url, { insecure: true }))
      expect(await fexec.map((n: number) => n * 2, [1, 2, 3])).to.deep.equal([2, 4, 6])
    } finally {
      await secure.stop()
    }
  })

  it("give the key to no proxy in the clear, and go past it where NO_PROXY says so", async () => {
    const asked: string[] = []
    const proxy = await listening(({ url = "" }, answer) => {
      asked.push(url)
      answer.end("{}")
    })
    const secure = await startOpenWhisk({ runtime, tls: certificate })
    try {
      await withEnv({ HTTPS_PROXY: proxy.url }, async () => {
        const message = await messageOf(at(secure.url, { insecure: true }).open())
        expect(message).to.match(/HTTPS_PROXY .* in the clear; name the host in NO_PROXY/)
        await withEnv({ NO_PROXY: "127.0.0.1" }, () => at(secure.url, { insecure: true }).open())
      })
      expect(asked).to.deep.equal([])
    } finally {
      proxy.server.close()
      await secure.stop()
    }
  })

  it("say so where what answers is no OpenWhisk", async () => {
    const page = await listening((_, answer) => {
      answer.setHeader("content-type", "text/html").end("<h1>Welcome</h1>")
    })
    try {
      expect(await messageOf(at(page.url).open())).to.match(
        /could not be reached: what answers there is no OpenWhisk; look at option `endpoint`/,
      )
    } finally {
      page.server.close()
    }
  })

  it("lose no result where requests are refused and answers break off", async () => {
    const flaky = await startFlaky(server.url, 0.25)
    try {
      await using fexec = new PlatformExecutor(at(flaky.url, { readMs: 300 }), { workers: 4 })
      const inputs = Array.from({ length: 40 }, (_, i) => i)
      expect(await fexec.map((n: number) => n + 1, inputs, { chunkSize: 1 })).to.deep.equal(
        inputs.map((n) => n + 1),
      )
      for (const [how, times] of Object.entries(flaky.broken)) expect(times, how).to.be.greaterThan(0)
    } finally {
      await flaky.stop()
    }
  })

  for (const [when, afterMs] of [
    ["while its call waits", 300],
    ["while its record is asked for", 1500],
  ] as const)
    it(`keep no script alive that cancels a task ${when}`, async () => {
      const program = fileURLToPath(new URL("fixtures/cancels.ts", import.meta.url))
      const args = ["--import", "tsx", program, server.url, testKey, String(afterMs)]
      const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 15_000 })
      expect(stdout.trim()).to.equal("CancelledError")
      // The last that is said: no warning and no rejection comes after it.
      expect(stderr).to.match(/Cancelled\. OpenWhisk cannot end calls that run[^\n]*\n$/)
    })
})

async function listening(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function withEnv(env: Readonly<Record<string, string>>, run: () => Promise<unknown>): Promise<void> {
  Object.assign(process.env, env)
  try {
    await run()
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
  }
}
