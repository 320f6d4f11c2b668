import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import type { StorageDescription } from "../../kernel-ext/protocol/storage.ts"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { conformsToStorage, failure } from "../conformance/storage.ts"
import { need } from "../support/needs.ts"
import { ministack, startMinistack } from "../support/servers/ministack.ts"
import { freePort, type Server } from "../support/servers/server-process.ts"
import { type S3Server, startVersitygw, versitygw } from "../support/servers/versitygw.ts"

function describeS3(endpoint: string, accessKeyId: string, secretAccessKey: string): StorageDescription {
  const options = { endpoint, pathStyle: true, region: "us-east-1" }
  return { backend: "aws_s3", bucket: "tests", options, secrets: { accessKeyId, secretAccessKey } }
}

async function withBucket(description: StorageDescription): Promise<StorageClient> {
  const storage = new StorageClient(description)
  await storage.createBucket()
  return storage
}

describe("with Versity's gateway, which checks signatures,", () => {
  let server: S3Server | undefined
  before(async function () {
    this.timeout(60_000)
    server = await startVersitygw(need(this, versitygw.what, versitygw.find()))
  })
  after(() => server?.stop())

  const describeServer = (): StorageDescription => {
    if (server === undefined) throw new Error("The server is not there")
    return describeS3(server.url, server.accessKeyId, server.secretAccessKey)
  }

  // It keeps objects as files, so that a key cannot be the folder of another.
  conformsToStorage("aws_s3", () => withBucket(describeServer()), { nestedKeys: false })

  it("says that keys are wrong, and does not say the keys", async () => {
    const secrets = { accessKeyId: "cellfantestkey", secretAccessKey: "wrong-and-not-to-be-seen" }
    const error = await failure(new StorageClient({ ...describeServer(), secrets }).get("a"))
    expect(error).to.include({ kind: "access-denied", retryable: false })
    expect(error.message).to.include("secretAccessKey").and.not.to.include("not-to-be-seen")
  })

  it("gives a URL by which others read an object, once it is there and not for ever", async () => {
    const storage = await withBucket(describeServer())
    const url = await storage.url("shown/a b.txt", { validMs: 60_000 })
    expect((await fetch(url)).ok).to.equal(false)
    await storage.put("shown/a b.txt", "seen")
    expect(await (await fetch(url)).text()).to.equal("seen")
    expect((await fetch(url.replace("a%20b", "another"))).status).to.equal(403)
    const short = await storage.url("shown/a b.txt", { validMs: 1000 })
    await sleep(2500)
    expect((await fetch(short)).status).to.equal(403)
  })
})

describe("with ministack", () => {
  let server: Server | undefined
  before(async function () {
    this.timeout(60_000)
    server = await startMinistack(need(this, ministack.what, ministack.find()))
  })
  after(() => server?.stop())

  conformsToStorage("aws_s3", () => withBucket(describeS3(server?.url ?? "", "test", "test")))

  it("makes a bucket for those who name none, the same for all keys of an account", async () => {
    const description = describeS3(server?.url ?? "", "ASIAQNZGKIQY56JQ7WML", "secret")
    const storage = new StorageClient({ ...description, bucket: undefined })
    const { bucket } = await storage.put("a", "x")
    expect(bucket).to.match(/^cellfan-us-east-1-[0-9a-f]{12}$/)
    expect(await storage.text("a")).to.equal("x")
    const otherKey = {
      ...description,
      bucket: undefined,
      secrets: { accessKeyId: "AKIAQNZGKIQY56JQ7WML", secretAccessKey: "s" },
    }
    expect(await new StorageClient(otherKey).text("a")).to.equal("x")
  })
})

describe("S3 that cannot be reached", () => {
  it("is told as the network's, with the address", async function () {
    this.timeout(30_000)
    const port = await freePort()
    const error = await failure(new StorageClient(describeS3(`http://127.0.0.1:${port}`, "a", "b")).get("x"))
    expect(error).to.include({ kind: "network", retryable: true })
    expect(error.message).to.include(`127.0.0.1:${port}`)
  })
})
