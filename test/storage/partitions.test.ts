import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import { expect } from "chai"
import type { ObjectPartition, PartitionOptions } from "../../kernel-ext/protocol/storage.ts"
import { splitLines } from "../../kernel-ext/storage/lines.ts"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { randomFor } from "../../kernel-ext/worker/random.ts"
import { failure, thrown } from "../conformance/storage.ts"
import { need } from "../support/needs.ts"
import { startVersitygw, versitygw } from "../support/servers/versitygw.ts"
import { startWeb, type WebServer } from "../support/servers/web.ts"

/** Somewhere that files are put, and what `objects` is told to find them. */
interface Shelf {
  readonly storage: StorageClient
  put(name: string, content: Buffer): Promise<string>
  /** How many random files are put there: a request takes longer than a read. */
  readonly runs: number
  stop(): Promise<void>
}

const shelves: Readonly<Record<string, (context: Mocha.Context) => Promise<Shelf>>> = {
  "files of this machine": async () => {
    const folder = await mkdtemp(join(tmpdir(), "cellfan-lines-"))
    const put = async (name: string, content: Buffer) => {
      await writeFile(join(folder, name), content)
      return join(folder, name)
    }
    return { storage: filesIn(folder), put, runs: 80, stop: () => rm(folder, { recursive: true }) }
  },
  "objects on S3": async (context) => {
    const server = await startVersitygw(need(context, versitygw.what, versitygw.find()))
    const { accessKeyId, secretAccessKey } = server
    const storage = new StorageClient({
      backend: "aws_s3",
      bucket: "lines",
      options: { endpoint: server.url, pathStyle: true },
      secrets: { accessKeyId, secretAccessKey },
    })
    await storage.createBucket()
    const put = async (name: string, content: Buffer) => {
      await storage.put(name, content)
      return `s3://lines/${name}`
    }
    return { storage, put, runs: 16, stop: server.stop }
  },
  "URLs of a web server with Range": async () => {
    const web = await startWeb()
    return {
      storage: filesIn(tmpdir()),
      put: async (name, content) => putOn(web, name, content),
      runs: 16,
      stop: web.stop,
    }
  },
}

function filesIn(root: string): StorageClient {
  return new StorageClient({ backend: "localhost", bucket: "tests", options: { root } })
}

function putOn(web: WebServer, name: string, content: Buffer): string {
  web.files.set(`/${name}`, content)
  return `${web.url}/${name}`
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

const linesOf = async (part: ObjectPartition): Promise<string[]> => collect(part.lines())

/** The lines of a text, as partitions are to give them. */
function expectedLines(text: string, newline: string): string[] {
  const lines = text.split(newline)
  if (lines.at(-1) === "") lines.pop()
  return newline === "\n" ? lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line)) : lines
}

/** A text of lines: empty ones, long ones, and characters of every length in UTF-8. */
function randomText(random: () => number, newline: string): string {
  const pick = (n: number): number => Math.floor(random() * n)
  const alphabet = ["a", "b", " ", "é", "日", "😀", "\r", ";", "~"].filter(
    (char) => !newline.includes(char) || newline === "~|",
  )
  const count = pick(12)
  const lines = Array.from({ length: count }, () =>
    Array.from({ length: pick(4) === 0 ? pick(150) : pick(12) }, () => alphabet[pick(alphabet.length)]).join(
      "",
    ),
  )
  return lines.join(newline) + (random() < 0.5 && count > 0 ? newline : "")
}

for (const [name, open] of Object.entries(shelves)) {
  describe(`whole lines of ${name}`, () => {
    let shelf: Shelf
    before(async function () {
      this.timeout(60_000)
      shelf = await open(this)
    })
    after(() => shelf?.stop())

    it("come once each and in order, whatever the file and the size of the partitions", async function () {
      this.timeout(120_000)
      expect(shelf.runs).to.be.greaterThan(0)
      for (let run = 0; run < shelf.runs; run++) {
        const random = randomFor(2026, run)
        const newline = ["\n", "\r\n", "~|", "\n"][run % 4] as string
        const text = randomText(random, newline)
        const source = await shelf.put(`random-${run}.txt`, Buffer.from(text))
        const cut: PartitionOptions =
          random() < 0.5
            ? { chunkSize: 1 + Math.floor(random() * 60) }
            : { chunkCount: 1 + Math.floor(random() * 9) }
        const parts = await collect(shelf.storage.objects(source, { ...cut, newline }))
        const lines = (await Promise.all(parts.map(linesOf))).flat()
        const what = `run ${run}, ${JSON.stringify({ ...cut, newline, text })}`
        expect(lines, what).to.deep.equal(expectedLines(text, newline))
        const texts = await Promise.all(parts.map((part) => part.text()))
        expect(texts.join(""), what).to.equal(text)
      }
    })

    it("come whole where a line is longer than several partitions and than what is read ahead", async () => {
      const long = "x".repeat(300_000)
      const text = `short\n${long}\nlast`
      const source = await shelf.put("long.txt", Buffer.from(text))
      const parts = await collect(shelf.storage.objects(source, { chunkSize: 50_000, newline: "\n" }))
      const lines = await Promise.all(parts.map(linesOf))
      expect(lines.flat()).to.deep.equal(["short", long, "last"])
      expect(lines.filter((some) => some.length === 0)).to.have.length(parts.length - 2)
    })

    it("are refused where the content changed after it was found: its parts would not fit together", async () => {
      const source = await shelf.put("changing.txt", Buffer.from("one\ntwo\nthree\n"))
      const parts = await collect(shelf.storage.objects(source, { chunkSize: 5, newline: "\n" }))
      expect(await (parts[0] as ObjectPartition).text()).to.equal("one\ntwo\n")
      await shelf.put("changing.txt", Buffer.from("1\n2\n3\n4\n"))
      const error = await failure((parts[1] as ObjectPartition).text())
      expect(error).to.include({ kind: "other", retryable: false })
      expect(error.message).to.match(/changing\.txt.*find it again/)
    })

    it("are refused of what is compressed, by its name before anything runs and by its content", async () => {
      const packed = gzipSync("a line\n".repeat(100))
      const named = await shelf.put("lines.csv.gz", packed)
      const error = await thrown(collect(shelf.storage.objects(named, { newline: "\n" })))
      expect(String(error)).to.include("lines.csv.gz ends with .gz").and.to.include("gunzipSync")
      const [whole] = await collect(shelf.storage.objects(named))
      expect(gunzipSync((await whole?.bytes()) ?? Buffer.alloc(0))).to.have.length(700)
      const unnamed = await shelf.put("lines.csv", packed)
      const [part] = await collect(shelf.storage.objects(unnamed, { newline: "\n" }))
      expect(String(await thrown(linesOf(part as ObjectPartition)))).to.include("compressed")
      expect(String(await thrown((part as ObjectPartition).text()))).to.include("compressed")
    })

    it("are none in an empty file, which is one partition", async () => {
      const source = await shelf.put("empty.txt", Buffer.alloc(0))
      const parts = await collect(shelf.storage.objects(source, { chunkSize: 10, newline: "\n" }))
      expect(parts.map((part) => [part.start, part.end, part.count])).to.deep.equal([[0, 0, 1]])
      expect(await linesOf(parts[0] as ObjectPartition)).to.deep.equal([])
    })

    it("can be cut by bytes alone: the parts make up the file", async () => {
      const bytes = Buffer.from("0123456789".repeat(100))
      const source = await shelf.put("bytes.bin", bytes)
      const parts = await collect(shelf.storage.objects(source, { chunkCount: 7 }))
      expect(parts).to.have.length(7)
      expect(Buffer.concat(await Promise.all(parts.map((part) => part.bytes())))).to.deep.equal(bytes)
      const sized = await collect(shelf.storage.objects(source, { chunkSize: 300 }))
      expect(sized.map((part) => part.end - part.start)).to.deep.equal([300, 300, 300, 100])
      expect(new Set(sized.map((part) => part.source)).size).to.equal(1)
    })
  })
}

describe("lines at an end of two bytes", () => {
  it("take no longer where they come in many chunks", async function () {
    this.timeout(8_000)
    async function* chunks() {
      for (let sent = 0; sent < 800; sent++) yield Buffer.alloc(65_536, sent % 2 === 0 ? "ab" : "cd")
      yield Buffer.from("\r")
      yield Buffer.from("\nlast\r")
    }
    const lines = await collect(splitLines(chunks(), "\r\n"))
    expect(lines.map((line) => line.length)).to.deep.equal([800 * 65_536, 5])
  })
})

describe("the objects of a storage", () => {
  let folder: string
  let storage: StorageClient
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-objects-"))
    storage = filesIn(join(folder, "root"))
    for (const key of ["a/1.csv", "a/2.csv", "a/b/3.csv", "a/4.txt", "c.csv"]) await storage.put(key, key)
    await mkdir(join(folder, "files", "sub"), { recursive: true })
    for (const name of ["x.csv", "y.csv", "sub/z.csv", "[odd].csv"])
      await writeFile(join(folder, "files", name), name)
  })
  after(() => rm(folder, { recursive: true, force: true }))

  const found = async (source: string | string[]): Promise<string[]> => {
    const parts = await collect(storage.objects(source))
    return Promise.all(parts.map((part) => part.text()))
  }

  it("are found by bucket, prefix, key and pattern", async () => {
    const at = "localhost://tests"
    expect(await found(`${at}/a/*.csv`)).to.deep.equal(["a/1.csv", "a/2.csv"])
    expect(await found(`${at}/a/**/*.csv`)).to.deep.equal(["a/1.csv", "a/2.csv", "a/b/3.csv"])
    expect(await found(`${at}/**/[12].csv`)).to.deep.equal(["a/1.csv", "a/2.csv"])
    expect(await found(`${at}/a/{1,4}.*`)).to.deep.equal(["a/1.csv", "a/4.txt"])
    expect(await found(`${at}/a/`)).to.deep.equal(["a/1.csv", "a/2.csv", "a/4.txt", "a/b/3.csv"])
    expect(await found(at)).to.have.length(5)
    expect(await found(`${at}/c.csv`)).to.deep.equal(["c.csv"])
    expect(await found([`${at}/c.csv`, `${at}/a/4.txt`])).to.deep.equal(["c.csv", "a/4.txt"])
  })

  it("are found among files by path, file URL, folder and pattern", async () => {
    const at = join(folder, "files")
    expect(await found(`${at}/*.csv`)).to.deep.equal(["[odd].csv", "x.csv", "y.csv"])
    expect(await found(`file://${at}/sub/z.csv`)).to.deep.equal(["sub/z.csv"])
    expect(await found(at)).to.have.length(4)
    expect(await found(join(at, "[odd].csv"))).to.deep.equal(["[odd].csv"])
  })

  it("are found among files by way of links, and no link is followed round and round", async () => {
    const at = join(folder, "linked")
    await mkdir(join(at, "folder"), { recursive: true })
    await writeFile(join(at, "folder", "a.csv"), "a")
    await symlink(join(at, "folder"), join(at, "link"))
    await symlink(at, join(at, "folder", "round"))
    await symlink(join(at, "nowhere"), join(at, "broken.csv"))
    await symlink(join(at, "folder", "a.csv"), join(at, "one.csv"))
    const parts = await collect(storage.objects(`${at}/**/*.csv`))
    expect(parts.map(({ source }) => source.slice(at.length))).to.deep.equal([
      "/folder/a.csv",
      "/link/a.csv",
      "/one.csv",
    ])
  })

  it("are not those of the working folder where a name came out empty", async () => {
    for (const empty of ["", ["x.csv", ""]])
      expect(String(await thrown(collect(storage.objects(empty))))).to.include("empty")
  })

  it("are missed aloud: nothing found is an error, as a scheme that nobody knows and a wrong option are", async () => {
    expect(await failure(found("localhost://tests/none/*.csv"))).to.include({ kind: "not-found" })
    expect(await failure(found(join(folder, "none", "*.csv")))).to.include({ kind: "not-found" })
    expect(String(await thrown(found("none/*.csv")))).to.match(
      /No file matches none\/\*\.csv in \/.*\. Objects .* bucket: localhost:\/\/\w+\/none\/\*\.csv\.$/,
    )
    expect(String(await thrown(found("ftp://host/x")))).to.include("scheme")
    const both = collect(storage.objects("localhost://tests/a/", { chunkSize: 1, chunkCount: 1 }))
    expect(String(await thrown(both))).to.include("chunkSize or chunkCount")
    const wrong = collect(storage.objects("localhost://tests/a/", { chunksize: 1 } as never))
    expect(String(await thrown(wrong))).to.include("chunksize")
    const overlapping = collect(storage.objects("localhost://tests/a/", { newline: "\n\n" }))
    expect(String(await thrown(overlapping))).to.include("overlap")
  })
})

describe("a web server as a source", () => {
  let web: WebServer
  const storage = filesIn(tmpdir())
  before(async () => {
    web = await startWeb()
  })
  after(() => web.stop())

  it("that gives no parts is read as one partition", async () => {
    const source = putOn(web, "whole.txt", Buffer.from("1\n2\n3\n"))
    web.behaviour.ranges = false
    const parts = await collect(storage.objects(source, { chunkSize: 2, newline: "\n" }))
    expect(parts).to.have.length(1)
    expect(await linesOf(parts[0] as ObjectPartition)).to.deep.equal(["1", "2", "3"])
    web.behaviour.ranges = true
  })

  it("that does not say how long a file is has none of it left out", async () => {
    const source = putOn(web, "unknown.txt", Buffer.from("1\n2\n3\n"))
    web.behaviour.hidesLength = true
    const error = await failure(collect(storage.objects(source)))
    web.behaviour.hidesLength = false
    expect(error.message).to.include("does not say how many bytes it has")
  })

  it("is not given a password, which the task's input would show", async () => {
    const error = await thrown(collect(storage.objects(web.url.replace("//", "//me:secret@"))))
    expect(String(error)).to.include("password").and.not.to.include("secret")
  })

  it("that fails for a while is asked again, and goes on where a connection broke", async () => {
    const bytes = Buffer.from("0123456789".repeat(1000))
    const source = putOn(web, "breaking.bin", bytes)
    const [part] = await collect(storage.objects(source))
    web.behaviour.failures = [503, 429]
    web.behaviour.breaks = [4000, 3000]
    expect(Buffer.from((await part?.bytes()) ?? [])).to.deep.equal(bytes)
  })

  it("that refuses is told by its answer, without the query, which may hold a signature", async () => {
    web.behaviour.failures = [403]
    const error = await failure(collect(storage.objects(`${web.url}/x?signature=secret`)))
    expect(error.kind).to.equal("access-denied")
    expect(error.message).to.include("403").and.not.to.include("secret")
  })

  it("is asked for no more than a partition and a little ahead", async () => {
    const source = putOn(web, "lines.txt", Buffer.from("a line of text\n".repeat(100_000)))
    const parts = await collect(storage.objects(source, { chunkSize: 500_000, newline: "\n" }))
    web.requests.length = 0
    await (parts[1] as ObjectPartition).text()
    expect(web.requests).to.deep.equal(["bytes=499999-1031249"])
  })

  it("is asked for nothing behind a partition that no line begins in", async () => {
    const source = putOn(web, "one-line.txt", Buffer.alloc(1_000_000, "x"))
    const parts = await collect(storage.objects(source, { chunkSize: 100_000, newline: "\n" }))
    web.requests.length = 0
    expect(await (parts[1] as ObjectPartition).text()).to.equal("")
    expect(web.requests).to.deep.equal(["bytes=99999-206249"])
  })
})
