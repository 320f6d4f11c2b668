import { randomBytes } from "node:crypto"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { StorageError } from "../../kernel-ext/errors.ts"
import type { ObjectStorage } from "../../kernel-ext/protocol/storage.ts"

/** What a storage may lack. */
export interface StorageAbilities {
  readonly contentType?: boolean
  /** Whether `a` and `a/b` can both be objects. */
  readonly nestedKeys?: boolean
}

/**
 * What every storage does. A new one's test is this suite with a factory for it, which gives a storage whose bucket exists and
 * is empty:
 *
 *     conformsToStorage("localhost", async () => new Storage({ backend: "localhost", storageRoot: folder }))
 */
export function conformsToStorage(
  name: string,
  make: () => Promise<ObjectStorage>,
  { contentType = true, nestedKeys = true }: StorageAbilities = {},
): void {
  describe(`${name} as a storage`, () => {
    let storage: ObjectStorage
    let folder: string
    let count = 0
    /** A prefix of its own for each test. */
    let at: string

    before(async function () {
      this.timeout(90_000)
      storage = await make()
      folder = await mkdtemp(join(tmpdir(), "cellfan-storage-"))
    })
    beforeEach(() => {
      at = `case-${count++}`
    })
    after(() => folder && rm(folder, { recursive: true, force: true }))

    it("gives back the bytes of what was put, in whichever form they came", async () => {
      const bytes = randomBytes(1000)
      async function* stream() {
        yield bytes.subarray(0, 10)
        yield bytes.subarray(10)
      }
      const bodies = {
        bytes,
        buffer: new Uint8Array(bytes).buffer,
        blob: new Blob([bytes]),
        stream: stream(),
      }
      for (const [form, body] of Object.entries(bodies)) {
        await storage.put(`${at}/${form}`, body)
        expect(Buffer.from(await storage.get(`${at}/${form}`)), form).to.deep.equal(bytes)
      }
      await storage.put(`${at}/text`, "naïve – 日本")
      expect(await storage.text(`${at}/text`)).to.equal("naïve – 日本")
    })

    it("says of an object how large it is, when it was written and what it is", async () => {
      const before = Date.now()
      await storage.put(`${at}/a.csv`, "1,2\n", { contentType: "text/csv" })
      const info = await storage.head(`${at}/a.csv`)
      expect(info).to.include({ key: `${at}/a.csv`, sizeBytes: 4 })
      expect(info.modifiedAtMs).to.be.within(before - 5000, Date.now() + 5000)
      if (contentType) expect(info.contentType).to.equal("text/csv")
    })

    it("changes the tag of an object with its content", async () => {
      await storage.put(`${at}/a`, "one")
      const { etag } = await storage.head(`${at}/a`)
      await storage.put(`${at}/a`, "other")
      expect((await storage.head(`${at}/a`)).etag).to.not.equal(etag)
    })

    it("gives parts of an object: from the beginning, within, to the end, none, and no more than there is", async () => {
      await storage.put(`${at}/a`, "0123456789")
      const part = (start: number, end?: number) =>
        storage.text(`${at}/a`, { range: end === undefined ? { start } : { start, end } })
      expect(await part(0, 3)).to.equal("012")
      expect(await part(4, 6)).to.equal("45")
      expect(await part(7)).to.equal("789")
      expect(await part(7, 100)).to.equal("789")
      expect(await part(5, 5)).to.equal("")
    })

    it("refuses a range that begins behind the object's end, and takes one that begins an empty object", async () => {
      await storage.put(`${at}/a`, "0123")
      await storage.put(`${at}/empty`, "")
      const error = await failure(storage.get(`${at}/a`, { range: { start: 10 } }))
      expect(error.kind).to.equal("range")
      expect(await storage.text(`${at}/empty`, { range: { start: 0, end: 10 } })).to.equal("")
      expect(await storage.text(`${at}/empty`)).to.equal("")
    })

    it("streams what is larger than a part, there and back", async function () {
      this.timeout(60_000)
      const bytes = randomBytes(20 * 1024 * 1024 + 17)
      async function* parts() {
        for (let start = 0; start < bytes.length; start += 3_000_000)
          yield bytes.subarray(start, start + 3_000_000)
      }
      await storage.put(`${at}/large`, parts())
      let length = 0
      for await (const chunk of await storage.stream(`${at}/large`)) {
        expect(Buffer.compare(chunk, bytes.subarray(length, length + chunk.byteLength))).to.equal(0)
        length += chunk.byteLength
      }
      expect(length).to.equal(bytes.length)
    })

    it("ends a request whose reader leaves early", async () => {
      await storage.put(`${at}/a`, randomBytes(4_000_000))
      for await (const chunk of await storage.stream(`${at}/a`)) {
        expect(chunk.byteLength).to.be.greaterThan(0)
        break
      }
    })

    it("says of an object that is not there that it was not found, whatever it is asked", async () => {
      const error = await failure(storage.get(`${at}/none`))
      expect(error).to.include({ kind: "not-found", key: `${at}/none`, retryable: false })
      expect(error.message).to.include(`${at}/none`).and.to.include(storage.bucket)
      expect((await failure(storage.head(`${at}/none`))).kind).to.equal("not-found")
      expect((await failure(storage.download(`${at}/none`, join(folder, "x")))).kind).to.equal("not-found")
      expect(await storage.exists(`${at}/none`)).to.equal(false)
    })

    it("says of a bucket that is not there that it was not found", async () => {
      const error = await failure(storage.in("cellfan-no-such-bucket").get("a"))
      expect(error.kind).to.equal("not-found")
    })

    it("lists keys by prefix in the order of their bytes, page by page", async () => {
      const keys = ["a/x", "a-b", "a.b", "a/1", "a/é", "b", "a/Z"].map((key) => `${at}/${key}`)
      await Promise.all(keys.map((key) => storage.put(key, key)))
      const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect(await listed(storage, `${at}/`)).to.deep.equal(sorted)
      expect(await listed(storage, `${at}/`, { pageSize: 2 })).to.deep.equal(sorted)
      expect(await listed(storage, `${at}/a/`)).to.deep.equal(
        sorted.filter((key) => key.startsWith(`${at}/a/`)),
      )
      expect(await listed(storage, `${at}/a`)).to.deep.equal(
        sorted.filter((key) => key.startsWith(`${at}/a`)),
      )
      expect(await listed(storage, `${at}/nothing`)).to.deep.equal([])
      expect(await listed(storage, `${at}/`, { startAfter: sorted[2] as string })).to.deep.equal(
        sorted.slice(3),
      )
    })

    it("says in a listing how large objects are", async () => {
      await storage.put(`${at}/a`, "12345")
      for await (const info of storage.list(at)) expect(info).to.include({ key: `${at}/a`, sizeBytes: 5 })
    })

    it("deletes one, many and all under a prefix, and what is not there", async () => {
      const keys = Array.from({ length: 30 }, (_, n) => `${at}/${n}`)
      await Promise.all(keys.map((key) => storage.put(key, "x")))
      await storage.delete(`${at}/0`)
      await storage.delete(`${at}/0`)
      expect(await storage.exists(`${at}/0`)).to.equal(false)
      await storage.delete([`${at}/1`, `${at}/2`, `${at}/none`])
      expect(await listed(storage, `${at}/`)).to.have.length(27)
      await storage.put(`${at}x`, "neighbour")
      await storage.delete({ prefix: `${at}/` })
      expect(await listed(storage, at)).to.deep.equal([`${at}x`])
    })

    it("refuses an option that a call does not take, and names that are none", async () => {
      await storage.put(`${at}/kept`, "x")
      const wrong: readonly [() => Promise<unknown>, string][] = [
        [
          () => storage.put(`${at}/a`, "x", { contenttype: "text/csv" } as never),
          "did you mean `contentType`",
        ],
        [() => storage.get(`${at}/kept`, { rang: {} } as never), "did you mean `range`"],
        [() => storage.get(`${at}/kept`, { range: null } as never), "got null"],
        [() => storage.head(`${at}/kept`, null as never), "got null"],
        [() => storage.put(undefined as never, "x"), "got undefined"],
        [() => storage.get(5 as never), "got the number 5"],
        [() => storage.delete({} as never), "An object is named by"],
        [() => storage.delete({ prefix: undefined } as never), "A prefix is a text"],
      ]
      for (const [call, words] of wrong) expect(String(await thrown(call()))).to.include(words)
      expect(await storage.exists(`${at}/kept`)).to.equal(true)
      expect(await storage.exists(`${at}/a`)).to.equal(false)
    })

    it("does not delete a whole bucket by a prefix that came out empty", async () => {
      await storage.put(`${at}/a`, "x")
      expect(await message(storage.delete({ prefix: "" }))).to.include("whole bucket")
      expect(await storage.exists(`${at}/a`)).to.equal(true)
    })

    it("takes a file up and brings it down", async () => {
      const [source, target] = [join(folder, "up"), join(folder, "down")]
      const bytes = randomBytes(100_000)
      await writeFile(source, bytes)
      await storage.upload(source, `${at}/file`)
      await storage.download(`${at}/file`, target)
      expect(await readFile(target)).to.deep.equal(bytes)
    })

    it("names the file of this machine that cannot be read or written", async () => {
      await storage.put(`${at}/a`, "x")
      const none = join(folder, "none", "file")
      expect(await message(storage.upload(none, `${at}/b`)))
        .to.include(none)
        .and.to.include("cannot be read")
      expect(await message(storage.upload(folder, `${at}/b`))).to.include("only files")
      expect(await message(storage.download(`${at}/a`, none))).to.equal(
        `The file ${none} cannot be written: its folder does not exist.`,
      )
      expect(await message(storage.download(`${at}/a`, folder))).to.include("it is a folder")
      expect(await storage.exists(`${at}/b`)).to.equal(false)
    })

    it("leaves no half of a download or an upload behind", async () => {
      const target = join(folder, "half")
      await failure(storage.download(`${at}/none`, target))
      expect((await readdir(folder)).filter((file) => file.startsWith("half"))).to.deep.equal([])
      async function* breaking() {
        yield Buffer.from("first")
        throw new Error("the source broke")
      }
      expect(await message(storage.put(`${at}/half`, breaking()))).to.include("the source broke")
      expect(await storage.exists(`${at}/half`)).to.equal(false)
    })

    it("takes every character that a key may have", async () => {
      const keys = [
        "with space",
        "plus+and&more=?",
        "ünï/日本語",
        "100%",
        "a:b*c|d",
        "'quotes\"",
        "~tilde#hash",
        "emoji😀",
        " blank ",
      ]
      for (const key of keys) {
        await storage.put(`${at}/${key}`, key)
        expect(await storage.text(`${at}/${key}`), key).to.equal(key)
      }
      expect((await listed(storage, `${at}/`)).sort()).to.deep.equal(keys.map((key) => `${at}/${key}`).sort())
    })

    it("refuses keys that lead elsewhere or cannot be written, before it asks anybody", async () => {
      const wrong = [
        "",
        "..",
        "../x",
        "a/../../x",
        "a/./b",
        "a\nb",
        "a\0b",
        "x".repeat(1025),
        "\ud800",
        "\uffff",
      ]
      for (const key of wrong) {
        expect(await thrown(storage.put(key, "x")), JSON.stringify(key)).to.be.instanceOf(TypeError)
        expect(await thrown(storage.get(key)), JSON.stringify(key)).to.be.instanceOf(TypeError)
      }
      expect(() => storage.in("../etc")).to.throw(TypeError, "bucket")
      expect(await thrown(storage.get("a", { range: { start: 5, end: 2 } }))).to.be.instanceOf(RangeError)
      expect(await message(storage.put(`${at}/a`, { a: 1 } as never))).to.include("JSON.stringify")
    })

    it("ends a call whose signal is aborted, with the signal's reason", async () => {
      await storage.put(`${at}/a`, "x")
      const reason = new Error("no longer wanted")
      const signal = AbortSignal.abort(reason)
      expect(await thrown(storage.get(`${at}/a`, { signal }))).to.equal(reason)
      expect(await thrown(storage.put(`${at}/b`, "x", { signal }))).to.equal(reason)
    })

    it("reads an object by its reference, which knows its bucket", async () => {
      const reference = await storage.put(`${at}/a`, "here")
      expect(reference).to.include({ backend: storage.backend, bucket: storage.bucket, key: `${at}/a` })
      expect(await storage.text(reference)).to.equal("here")
      const elsewhere = { ...reference, backend: "somewhere_else" }
      expect(await message(storage.get(elsewhere))).to.include("another storage")
    })

    it("writes many at once, and each is whole", async () => {
      const bodies = Array.from({ length: 40 }, (_, n) => randomBytes(1000 + n))
      await Promise.all(bodies.map((body, n) => storage.put(`${at}/${n}`, body)))
      const read = await Promise.all(bodies.map((_, n) => storage.get(`${at}/${n}`)))
      expect(read.map((bytes) => Buffer.from(bytes))).to.deep.equal(bodies)
    })

    it("is never seen half written by those who read at the same time", async () => {
      const [one, two] = [Buffer.alloc(300_000, "1"), Buffer.alloc(200_000, "2")]
      await storage.put(`${at}/a`, one)
      const writing = (async () => {
        for (let n = 0; n < 5; n++) await storage.put(`${at}/a`, n % 2 === 0 ? two : one)
      })()
      for (let n = 0; n < 10; n++) {
        const bytes = Buffer.from(await storage.get(`${at}/a`))
        expect(bytes.equals(one) || bytes.equals(two)).to.equal(true)
      }
      await writing
    })

    it("makes a bucket once, however often it is asked", async () => {
      const other = storage.in(`cellfan-made-${Date.now().toString(36)}`)
      await other.createBucket()
      await other.createBucket()
      await other.put("a", "x")
      expect(await other.text("a")).to.equal("x")
      await other.delete("a")
    })

    it(nestedKeys ? "keeps `a` and `a/b` apart" : "refuses `a/b` where `a` is an object", async () => {
      await storage.put(`${at}/a`, "one")
      if (nestedKeys) await storage.put(`${at}/a/b`, "two")
      else expect((await failure(storage.put(`${at}/a/b`, "two"))).retryable).to.equal(false)
      expect(await storage.text(`${at}/a`)).to.equal("one")
    })
  })
}

async function listed(
  storage: ObjectStorage,
  prefix: string,
  options?: Parameters<ObjectStorage["list"]>[1],
): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of storage.list(prefix, options)) keys.push(key)
  return keys
}

export async function thrown(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error("It did not fail, and it should have")
}

async function message(promise: Promise<unknown>): Promise<string> {
  return String(((await thrown(promise)) as Error).message)
}

export async function failure(promise: Promise<unknown>): Promise<StorageError> {
  const error = await thrown(promise)
  if (error instanceof StorageError) return error
  throw new Error("It failed with something else than a StorageError", { cause: error })
}
