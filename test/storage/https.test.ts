import { type AddressInfo, connect, type Socket } from "node:net"
import { createServer } from "node:tls"
import { expect } from "chai"
import { ConfigError, LocalhostExecutor, type ObjectPartition, Storage } from "../../kernel-ext/index.ts"
import type { StorageDescription } from "../../kernel-ext/protocol/storage.ts"
import { rememberedStorages } from "../../kernel-ext/storage/known.ts"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { failure } from "../conformance/storage.ts"
import { type Certificate, makeCertificate, openssl } from "../support/certificate.ts"
import { need } from "../support/needs.ts"
import { type S3Server, startVersitygw, versitygw } from "../support/servers/versitygw.ts"
import { startWeb, type WebServer } from "../support/servers/web.ts"

const files = new StorageClient({ backend: "localhost", bucket: "none", options: { root: "/nonexistent" } })

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe("storage behind a certificate of one's own authority", () => {
  let certificate: Certificate
  let web: WebServer
  const text = Array.from({ length: 1000 }, (_, n) => `${n}\n`).join("")

  before(async function () {
    certificate = makeCertificate(need(this, openssl.what, openssl.find()))
    web = await startWeb(certificate)
    web.files.set("/numbers.txt", Buffer.from(text))
  })
  after(async () => {
    await web?.stop()
    certificate?.remove()
  })

  it("gives parts of an https source to tasks, which need not have the authority's file", async () => {
    await using fexec = new LocalhostExecutor({ workers: 2 })
    const options = { chunkSize: 1000, newline: "\n", caFile: certificate.caFile }
    const parts = await collect(files.objects(`${web.url}/numbers.txt`, options))
    expect(parts).to.have.length(4)
    web.requests.length = 0
    const read = await fexec.map((part: ObjectPartition) => part.text(), parts)
    expect(read.join("")).to.equal(text)
    expect(web.requests.filter((range) => /^bytes=\d+-\d+$/.test(range))).to.have.length.at.least(4)
  })

  it("goes on where the connection broke", async () => {
    web.behaviour.breaks = [700, 900]
    const [part] = await collect(files.objects(`${web.url}/numbers.txt`, { caFile: certificate.caFile }))
    expect(await part?.text()).to.equal(text)
    expect(web.behaviour.breaks).to.deep.equal([])
  })

  it("says that a certificate is not trusted, and which option names its authority", async () => {
    const error = await failure(collect(files.objects(`${web.url}/numbers.txt?signature=hush`)))
    expect(error).to.include({ kind: "setup", retryable: false })
    expect(error.message)
      .to.match(/certificate is not trusted .*`caFile`/)
      .and.not.include("hush")
  })

  describe("on S3", () => {
    let gateway: S3Server
    let proxy: TlsProxy
    before(async function () {
      this.timeout(60_000)
      gateway = await startVersitygw(need(this, versitygw.what, versitygw.find()))
      proxy = await startTlsProxy(certificate, gateway.url)
    })
    after(async () => {
      await proxy?.stop()
      await gateway?.stop()
    })

    const at = (caFile: string | undefined): Storage => {
      const { accessKeyId, secretAccessKey } = gateway
      const given = { endpoint: proxy.url, accessKeyId, secretAccessKey, ...(caFile && { caFile }) }
      return new Storage({ backend: "minio", bucket: "secure", ...given })
    }

    it("writes and reads where the authority is named", async () => {
      const storage = at(certificate.caFile)
      await storage.createBucket()
      await storage.put("a", "over TLS")
      expect(await storage.text("a", { range: { start: 5 } })).to.equal("TLS")
    })

    it("needs no file of it where a task runs", async () => {
      const storage = at(certificate.caFile)
      const object = await storage.put("b", "seen by a task")
      const [description] = Object.values(rememberedStorages()).filter(
        ({ options }) => options.endpoint === proxy.url && options.authority !== undefined,
      )
      expect(JSON.stringify(description)).not.to.include(certificate.caFile)
      // As a worker elsewhere gets it: as text, and with no such folder.
      const sent = JSON.parse(JSON.stringify(description)) as StorageDescription
      expect(await new StorageClient(sent).text({ ...object })).to.equal("seen by a task")
    })

    it("says which file has no certificate", () => {
      expect(() => at("/nowhere/ca.pem")).to.throw(ConfigError, /caFile.*\/nowhere\/ca.pem cannot be read/)
      expect(() => at(import.meta.filename)).to.throw(
        ConfigError,
        /holds no certificate; it takes a PEM file/,
      )
    })

    it("says so where it is not", async () => {
      const error = await failure(at(undefined).text("a"))
      expect(error).to.include({ kind: "setup", retryable: false })
      expect(error.message).to.match(
        /certificate of https:.* is not trusted .*; name its authority with caFile/,
      )
    })
  })
})

interface TlsProxy {
  readonly url: string
  stop(): Promise<void>
}

/** Takes TLS, and passes on what is in it. */
async function startTlsProxy({ key, cert }: Certificate, target: string): Promise<TlsProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer({ key, cert }, (socket) => {
    const onward = connect(Number(port), hostname)
    for (const one of [socket, onward]) {
      sockets.add(one)
      one.on("error", () => {})
      one.on("close", () => [socket, onward].map((both) => both.destroy()))
    }
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
