import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { expect } from "chai"
import { capture } from "../../kernel-ext/capture/capture.ts"
import {
  type CloudObject,
  LocalhostExecutor,
  type ObjectPartition,
  Storage,
  StorageError,
  storage,
  type TaskError,
} from "../../kernel-ext/index.ts"
import { thrown } from "../conformance/storage.ts"
import { need } from "../support/needs.ts"
import { type S3Server, startVersitygw, versitygw } from "../support/servers/versitygw.ts"

let folder: string
let fexec: LocalhostExecutor
const environment = { ...process.env }

/** For one describe: at the top of a file they would be there for all other files' tests as well. */
function withStorageOfItsOwn(): void {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-tasks-"))
    process.env.CELLFAN_LOCALHOST_STORAGE_ROOT = join(folder, "root")
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(async () => {
    await fexec.close()
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
    await rm(folder, { recursive: true, force: true })
  })
}

describe("storage in tasks", () => {
  withStorageOfItsOwn()

  it("is the configured one, in ctx.storage: what a task puts, the notebook reads", async () => {
    const objects = await fexec.map(
      async (n: number, ctx) => ctx.storage.put(`made/${n}`, `by task ${ctx.index}`),
      [10, 20],
    )
    expect(await storage.text("made/20")).to.equal("by task 1")
    expect(await Promise.all(objects.map((object) => (object as CloudObject).text()))).to.deep.equal([
      "by task 0",
      "by task 1",
    ])
  })

  it("is reached by references, captured or among inputs, and by a captured storage", async () => {
    const words = await storage.put("words", "one two three")
    const same = new Storage({ bucket: "other-bucket" })
    await same.put("more", "four")
    const read = await fexec.map(
      async ({ object, n }) => [
        (await words.text()).split(" ")[n],
        await object.text(),
        await same.text("more"),
      ],
      [{ object: words, n: 2 }],
    )
    expect(read).to.deep.equal([["three", "one two three", "four"]])
  })

  it("fails with what went wrong there: the error's kind reaches the caller", async () => {
    const job = fexec.map(async (key: string, ctx) => ctx.storage.text(key), ["none"])
    await thrown(Promise.resolve(job))
    const error = job.tasks[0]?.error as TaskError
    expect(error.message).to.include('"none"').and.to.include("does not exist")
    expect(error.cause).to.be.instanceOf(StorageError)
    expect(error.cause).to.include({ kind: "not-found", key: "none" })
  })

  it("gives partitions as inputs, which tasks read themselves", async () => {
    const lines = Array.from({ length: 1000 }, (_, n) => `${n}`)
    await storage.put("numbers/a.txt", `${lines.join("\n")}\n`)
    await storage.put("numbers/b.txt", "1\n2")
    const parts = storage.objects("localhost://storage/numbers/*.txt", { chunkSize: 1000, newline: "\n" })
    const sums = await fexec.map(async (part: ObjectPartition) => {
      let sum = 0
      for await (const line of part.lines()) sum += Number(line)
      return { source: part.source, sum }
    }, parts)
    expect(sums).to.have.length(5)
    expect(sums.reduce((total, { sum }) => total + sum, 0)).to.equal(499_500 + 3)
    expect(sums.at(-1)?.source).to.equal("localhost://storage/numbers/b.txt")
  })

  it("is reduced object by object, as partitions say which object they are part of", async () => {
    const parts = storage.objects("localhost://storage/numbers/", { chunkSize: 1000, newline: "\n" })
    const counts = await fexec.mapReduce(
      async (part: ObjectPartition) => (await part.text()).trim().split("\n").length,
      parts,
      (some) => some.reduce((a, b) => a + b, 0),
      { reducePerObject: true },
    )
    expect([...(counts as Iterable<unknown>)]).to.deep.equal([1000, 2])
  })

  it("says in the task what is wrong with the configuration, which concerns no other task", async () => {
    process.env.CELLFAN_STORAGE = "aws_s4"
    try {
      expect(await fexec.map((n: number) => n + 1, [1])).to.deep.equal([2])
      const job = fexec.map((_: number, ctx) => ctx.storage.backend, [1])
      await thrown(Promise.resolve(job))
      expect(job.tasks[0]?.error?.message).to.include("aws_s4").and.to.include("aws_s3")
    } finally {
      delete process.env.CELLFAN_STORAGE
    }
  })
})

describe("keys of a storage", () => {
  withStorageOfItsOwn()

  let server: S3Server | undefined
  before(async function () {
    this.timeout(60_000)
    server = await startVersitygw(need(this, versitygw.what, versitygw.find()))
    const { url, accessKeyId, secretAccessKey } = server
    const file = join(folder, "cellfan.config.yaml")
    const s3 = `endpoint: ${url}\n  accessKeyId: ${accessKeyId}\n  secretAccessKey: ${secretAccessKey}`
    await writeFile(file, `cellfan:\n  storage: minio\nminio:\n  bucket: secrets\n  ${s3}\n`)
    process.env.CELLFAN_CONFIG_FILE = file
    await storage.createBucket()
  })
  after(() => server?.stop())

  it("reach the tasks, and are seen nowhere: not in captures, inputs, results, logs, errors nor in what is printed", async () => {
    const secret = server?.secretAccessKey ?? ""
    const object = await storage.put("a.txt", "1\n2\n3\n")
    const configured = new Storage()
    const read = async (
      part: ObjectPartition,
      ctx: { log(...values: unknown[]): void; storage: unknown },
    ) => {
      ctx.log(part, ctx, ctx.storage, configured, object)
      console.log(ctx.storage)
      return [await part.text(), await object.text(), await configured.text("a.txt"), object]
    }
    const job = fexec.map(read, storage.objects("s3://secrets/a.txt", { chunkCount: 2, newline: "\n" }))
    const results = await job
    expect(results.map(([text]) => text).join("")).to.equal("1\n2\n3\n")
    const failing = fexec.map(async (_: number, ctx) => ctx.storage.in("no-such-bucket").get("x"), [1])
    const error = await thrown(Promise.resolve(failing))

    const captured = capture(read)
    const wrong = (() => {
      try {
        return new Storage({ accessKeyId: "x", secretAccessKey: [secret] as never })
      } catch (thrownHere) {
        return thrownHere
      }
    })()
    const deep = { depth: 12, showHidden: true, getters: true } as const
    const places = {
      capture: Buffer.from(captured.shipment.data.bytes).toString("latin1") + captured.shipment.code,
      inputs: Buffer.from(captured.codec.encode([object, configured], "x").bytes).toString("latin1"),
      results: inspect(results, deep),
      logs: inspect(
        job.tasks.map(({ logs }) => logs),
        deep,
      ),
      errors: `${inspect(error, deep)}${inspect(wrong, deep)}`,
      job: inspect(job, { depth: 4, showHidden: true }) + JSON.stringify(job.tasks.map(({ stats }) => stats)),
      manifest: JSON.stringify([job.manifest(), failing.manifest()]),
      storage: inspect([storage, configured, object], deep) + JSON.stringify([storage, configured, object]),
    }
    expect(secret).to.have.length.above(10)
    for (const [place, text] of Object.entries(places)) {
      expect(text, place).to.have.length.above(2)
      expect(text.includes(secret), place).to.equal(false)
    }
    expect(places.errors).to.include("no-such-bucket")
  })
})
