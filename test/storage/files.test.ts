import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { conformsToStorage } from "../conformance/storage.ts"

let root: string

function filesIn(bucket: string | undefined): StorageClient {
  return new StorageClient({ backend: "localhost", bucket, options: { root } })
}

describe("files as a storage", () => {
  before(async () => {
    root = await mkdtemp(join(tmpdir(), "cellfan-files-"))
  })
  after(() => rm(root, { recursive: true, force: true }))

  conformsToStorage("localhost", async () => filesIn("tests"), { contentType: false, nestedKeys: false })

  it("are plain files, and leave nothing else behind", async () => {
    const storage = filesIn("plain")
    await storage.put("a/b.txt", "x")
    expect(await readdir(join(root, "plain", "a"))).to.deep.equal(["b.txt"])
    expect(await readdir(join(root, ".writing"))).to.deep.equal([])
    await storage.delete("a/b.txt")
    expect(await readdir(join(root, "plain"))).to.deep.equal([])
  })

  it("stand in a bucket of their own where none is named", async () => {
    const reference = await filesIn(undefined).put("a", "x")
    expect(reference.bucket).to.equal("storage")
  })

  it("have no URLs, and say so", async () => {
    const attempt = await filesIn("plain")
      .url("a", { validMs: 1000 })
      .catch((error: Error) => error.message)
    expect(attempt).to.equal("Objects of the storage localhost cannot be read by a URL; those of S3 can.")
  })

  it("say what a key of theirs cannot be", async () => {
    const attempt = await filesIn("plain")
      .put("a//b", "x")
      .catch((error: Error) => error.message)
    expect(attempt).to.include("two slashes")
    await filesIn("plain").put("one", "x")
    const below = await filesIn("plain")
      .put("one/two", "x")
      .catch((error: Error) => error.message)
    expect(below).to.include("files cannot be folders too")
  })
})
