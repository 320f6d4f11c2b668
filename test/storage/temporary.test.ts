import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { cleanTemporary, jobPrefix, tellCleaned } from "../../kernel-ext/storage/temporary.ts"

const hourMs = 3_600_000
const nowMs = Date.UTC(2026, 4, 1, 12, 30)

describe("data of jobs", () => {
  let root: string
  let storage: StorageClient

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "cellfan-temporary-"))
    storage = new StorageClient({ backend: "localhost", bucket: "jobs", options: { root } })
    await storage.put(`${jobPrefix("old-job", hourMs, nowMs - 5 * hourMs)}input`, "12345")
    await storage.put(`${jobPrefix("new-job", 48 * hourMs, nowMs)}a/b`, "1")
    await storage.put(`${jobPrefix("new-job", 48 * hourMs, nowMs)}c`, "1")
    await storage.put("cellfan.temporary/notes.txt", "mine")
    await storage.put("results/kept", "mine")
  })
  afterEach(() => rm(root, { recursive: true }))

  const keys = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { key } of storage.list()) found.push(key)
    return found
  }

  it("stand under a prefix that says until when", () => {
    expect(jobPrefix("j", hourMs, nowMs)).to.equal("cellfan.temporary/2026-05-01T14/j/")
    expect(() => jobPrefix("../j")).to.throw(TypeError, "letters")
  })

  it("are deleted once their time has passed, and nothing else is", async () => {
    expect(await cleanTemporary(storage, "expired", {}, nowMs)).to.deep.equal({ objects: 1, bytes: 5 })
    expect(await keys()).to.have.length(4)
    expect(await cleanTemporary(storage, "expired", {}, nowMs)).to.deep.equal({ objects: 0, bytes: 0 })
  })

  it("are deleted of one job, or of all", async () => {
    await cleanTemporary(storage, { jobId: "new-job" }, {}, nowMs)
    expect(await keys()).to.have.length(3)
    await cleanTemporary(storage, "all", {}, nowMs)
    expect(await keys()).to.deep.equal(["cellfan.temporary/notes.txt", "results/kept"])
  })

  it("are none where the bucket was never made", async () => {
    expect(await cleanTemporary(storage.in("never-made"), "all")).to.deep.equal({ objects: 0, bytes: 0 })
  })

  it("are told of with how many they were and their size", () => {
    expect(tellCleaned({ objects: 1, bytes: 999 })).to.equal("1 temporary object (999 B)")
    expect(tellCleaned({ objects: 3, bytes: 1_250_000 })).to.equal("3 temporary objects (1.3 MB)")
  })
})
