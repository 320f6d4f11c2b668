import { mkdtemp, rm, utimes } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { Lease } from "../../kernel-ext/storage/lease.ts"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { cleanTemporary, jobPrefix, sumCleaned, tellCleaned } from "../../kernel-ext/storage/temporary.ts"

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
    for await (const { key } of storage.list()) await aged(key, 20)
  })
  afterEach(() => rm(root, { recursive: true }))

  /** Makes an object so many minutes old. */
  const aged = (key: string, minutes: number) =>
    utimes(join(root, "jobs", key), nowMs / 1000, nowMs / 1000 - minutes * 60)

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
    expect(await cleanTemporary(storage, "expired", {}, nowMs)).to.deep.equal({
      objects: 1,
      bytes: 5,
      leftJobs: [],
    })
    expect(await keys()).to.have.length(4)
    expect(await cleanTemporary(storage, "expired", {}, nowMs)).to.deep.equal({
      objects: 0,
      bytes: 0,
      leftJobs: [],
    })
  })

  it("are deleted of one job, or of all", async () => {
    await cleanTemporary(storage, { jobId: "new-job" }, {}, nowMs)
    expect(await keys()).to.have.length(3)
    await cleanTemporary(storage, "all", {}, nowMs)
    expect(await keys()).to.deep.equal(["cellfan.temporary/notes.txt", "results/kept"])
  })

  it("are left of a job that lives, all of them, where those of all are deleted", async () => {
    await aged(`${jobPrefix("new-job", 48 * hourMs, nowMs)}c`, 3)
    expect(await cleanTemporary(storage, "all", {}, nowMs)).to.deep.equal({
      ...{ objects: 1, bytes: 5 },
      leftJobs: ["new-job"],
    })
    expect(await keys()).to.have.length(4)
    expect(await cleanTemporary(storage, { jobId: "new-job" }, {}, nowMs)).to.include({ objects: 2 })
  })

  it("show for as long as its process says so that a job lives, and not longer", async () => {
    const prefix = jobPrefix("new-job", 48 * hourMs, nowMs)
    const lease = new Lease(storage, prefix, 20)
    while (!(await storage.exists(`${prefix}lease`))) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await cleanTemporary(storage, "all", {}, nowMs)).to.deep.include({
      objects: 1,
      leftJobs: ["new-job"],
    })
    await lease.end()
    await aged(`${prefix}lease`, 20)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(await cleanTemporary(storage, "all", {}, nowMs)).to.deep.equal({
      objects: 3,
      bytes: 2,
      leftJobs: [],
    })
  })

  it("are none where the bucket was never made", async () => {
    expect(await cleanTemporary(storage.in("never-made"), "all")).to.deep.equal({
      objects: 0,
      bytes: 0,
      leftJobs: [],
    })
  })

  it("are told of with how many they were, their size and what was left", () => {
    expect(tellCleaned({ objects: 1, bytes: 999, leftJobs: [] })).to.equal("1 temporary object (999 B)")
    const two = { objects: 3, bytes: 1_250_000, leftJobs: ["a"] }
    expect(tellCleaned(two)).to.equal(
      "3 temporary objects (1.3 MB), and left those of 1 job, which runs or ended less than 15 minutes ago",
    )
    expect(sumCleaned([two, two, { ...two, leftJobs: ["b"] }])).to.deep.equal({
      ...{ objects: 9, bytes: 3_750_000 },
      leftJobs: ["a", "b"],
    })
  })
})
