import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect } from "chai"
import { attach, type JobError, type JobView, onJob, StandaloneExecutor } from "../../../kernel-ext/index.ts"
import { failureOf } from "../../support/failure.ts"
import { need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"

const built = (name: string): string => fileURLToPath(new URL(`../../../dist/${name}`, import.meta.url))
const run = promisify(execFile)

/** A script that starts a job and then dies without a word, as a kernel does that is killed. */
const script = `
  const { StandaloneExecutor } = await import(process.env.CELLFAN_TEST_LIBRARY)
  const fexec = new StandaloneExecutor({ nats: [process.env.CELLFAN_TEST_QUEUE], pool: "test" })
  const job = fexec.map(async function sleepy(n, ctx) {
    console.log("task", n)
    await new Promise((resolve) => setTimeout(resolve, 100))
    if (n === 7) throw new RangeError("seven")
    return { n, square: n * n }
  }, Array.from({ length: 40 }, (_, i) => i))
  job.catch(() => {})
  for await (const task of job) if ((await task.catch(() => ({ n: -1 }))).n > 4) break
  setTimeout(() => {
    console.log(job.id)
    process.kill(process.pid, "SIGKILL")
  }, 500)
`

describe("A job whose kernel is gone", function () {
  this.timeout(60_000)
  let server: NatsServer
  let agents: TestAgent[] = []
  let folder: string
  let jobId = ""
  const where = () => ({ nats: [server.url], pool: "test" })

  before(async function () {
    server = await NatsServer.start(need(this, natsServer.what, natsServer.find()))
    agents = await Promise.all(["a", "b"].map((host) => TestAgent.start(server.url, { host, workers: 1 })))
    folder = mkdtempSync(join(tmpdir(), "cellfan-attach-"))
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: folder,
      env: { ...process.env, CELLFAN_TEST_QUEUE: server.url, CELLFAN_TEST_LIBRARY: built("index.js") },
      stdio: ["ignore", "pipe", "inherit"],
    })
    child.stdout.on("data", (text: Buffer) => {
      jobId += text.toString()
    })
    const [, signal] = await once(child, "exit")
    expect(signal).to.equal("SIGKILL")
    jobId = jobId.trim()
  })
  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    await server?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it("goes on, and shows what happened meanwhile: results, errors, logs, workers, times", async () => {
    const announced: JobView[] = []
    const stop = onJob((view) => announced.push(view))
    const job = attach<{ n: number; square: number }>(jobId, where())
    stop()
    expect(announced).to.deep.equal([job])
    const error = await failureOf<JobError>(job)
    expect(error.errors).to.have.length(1)
    expect(error.errors[0]?.message).to.include("seven")
    expect(job.counts).to.include({ done: 39, failed: 1 })
    expect(await job.tasks[6]).to.deep.equal({ n: 6, square: 36 })
    expect(job.tasks[30]?.logs.map(({ text }) => text).join("")).to.equal("task 30\n")
    const { worker, startedAtMs, endedAtMs } = job.describe(30) ?? {}
    expect(worker).to.match(/^[ab]:\d+$/)
    expect((endedAtMs ?? 0) - (startedAtMs ?? 0)).to.be.within(90, 5000)
  })

  it("is the same job however often one asks, and says that its tasks cannot be run again from here", async () => {
    const job = attach(jobId, where())
    expect(attach(jobId, where())).to.equal(job)
    await job.settled()
    expect(() => job.retry()).to.throw(TypeError, /cannot be run again from here/)
  })

  it("is found by the command line", async () => {
    const cellfan = async (...args: string[]) => {
      const flags = ["--nats", server.url, "--pool", "test"]
      return run(process.execPath, [built("cli.js"), ...args, ...flags]).catch((error) => error)
    }
    expect((await cellfan("job", "list")).stdout).to.match(new RegExp(`^${jobId}  .*40 tasks  sleepy$`, "m"))
    const attached = await cellfan("attach", jobId)
    expect(attached.stdout).to.include("39 done").and.to.include("1 failed")
    expect(attached.code).to.equal(1)
    expect((await cellfan("logs", jobId, "--task", "30")).stdout).to.equal("task 30\n")
  })

  it("that was never there is said so", async () => {
    const error = await failureOf(attach("00000000", where()))
    expect(error).to.be.instanceOf(RangeError)
    expect(error.message).to.include("There is no job 00000000")
  })

  it("can be cancelled by another process", async () => {
    await using fexec = new StandaloneExecutor(where())
    const job = fexec.map(() => new Promise(() => {}), [1, 2, 3, 4], { chunkSize: 1 })
    await waitUntil(() => job.counts.running === 2)
    await run(process.execPath, [
      built("cli.js"),
      "job",
      "cancel",
      job.id,
      "--nats",
      server.url,
      "--pool",
      "test",
    ])
    // Nobody has to ask the kernel that started it: its tasks are cancelled there, too, and none has failed.
    await job.settled()
    expect(job.counts).to.include({ cancelled: 4, failed: 0, running: 0 })
    // The workers are free again, although their tasks heed no signal.
    expect(await fexec.map((n: number) => n, [1, 2])).to.deep.equal([1, 2])
  })

  it("is cancelled for everybody: where it was started, where it is looked at, and where it is looked at later", async () => {
    await using fexec = new StandaloneExecutor(where())
    const job = fexec.map(
      (n: number) => (n === 0 ? "done" : new Promise<string>(() => {})),
      [0, 1, 2, 3, 4, 5],
      {
        chunkSize: 1,
      },
    )
    await waitUntil(() => job.counts.done === 1 && job.counts.running === 2)
    const [one, other] = await Promise.all([attachElsewhere(job.id), attachElsewhere(job.id)])
    one.write("cancel")
    const expected = "1 done, 0 failed, 5 cancelled"
    expect(await other.ends).to.include(expected)
    expect(await one.ends).to.include(expected)
    await job.settled()
    expect(job.counts).to.include({ done: 1, cancelled: 5, failed: 0 })
    const later = await attachElsewhere(job.id)
    expect(await later.ends).to.include(expected)
  })

  it("loses one of its tasks where somebody who is attached cancels that", async () => {
    await using fexec = new StandaloneExecutor(where())
    const job = fexec.map(
      (n: number) => new Promise<number>((resolve) => (n === 1 ? undefined : setTimeout(resolve, 1500, n))),
      [0, 1, 2, 3],
      { chunkSize: 1 },
    )
    await waitUntil(() => job.counts.running === 2)
    const view = await attachElsewhere(job.id)
    view.write("cancel 1")
    await job.settled()
    expect(job.counts).to.include({ done: 3, cancelled: 1, failed: 0 })
    expect(await view.ends).to.include("3 done, 0 failed, 1 cancelled")
  })

  it("shows whoever is attached tasks that are run again as such, and not as failed", async () => {
    await using fexec = new StandaloneExecutor(where())
    const job = fexec.map(
      async (n: number, ctx) => {
        await new Promise((resolve) => setTimeout(resolve, 700))
        if (n === 1 && ctx.attempt < 3) throw new RangeError(`attempt ${ctx.attempt}`)
        if (n === 2) throw new RangeError("always")
        return n
      },
      [0, 1, 2, 3],
      { chunkSize: 1, retries: 3 },
    )
    await waitUntil(() => job.counts.running === 2)
    const view = await attachElsewhere(job.id)
    await job.settled()
    expect(job.counts).to.include({ done: 3, failed: 1 })
    expect(await view.ends)
      .to.include("3 done, 1 failed, 0 cancelled")
      .and.to.include("attempts 1 3 4 1")
    const later = await attachElsewhere(job.id)
    expect(await later.ends)
      .to.include("3 done, 1 failed, 0 cancelled")
      .and.to.include("attempts 1 3 4 1")
  })

  it("grows for whoever is attached as it grows", async () => {
    await using fexec = new StandaloneExecutor(where())
    async function* inputs() {
      for (let n = 0; n < 8; n++) {
        yield n
        await new Promise((resolve) => setTimeout(resolve, 400))
      }
    }
    const job = fexec.map((n: number) => n, inputs(), { chunkSize: 1 })
    await waitUntil(() => job.counts.done === 2)
    const view = await attachElsewhere(job.id)
    expect(await job).to.have.length(8)
    expect(await view.ends).to.include("8 done, 0 failed, 0 cancelled")
  })

  /** In another process, as another kernel is. */
  const attachElsewhere = async (id: string) => {
    const code = `
      const { attach } = await import(process.env.CELLFAN_TEST_LIBRARY)
      const job = attach(process.argv[1], { nats: [process.env.CELLFAN_TEST_QUEUE], pool: "test" })
      process.stdin.on("data", (text) => {
        const [, index] = String(text).split(" ")
        if (index === undefined) job.cancel()
        else job.tasks[Number(index)].cancel()
      })
      const looking = setInterval(() => {
        if (job.tasks.length === 0 || job.counts.running === 0 && job.counts.done + job.counts.cancelled < 1) return
        clearInterval(looking)
        console.log("sees it")
      }, 10)
      await job.settled()
      clearInterval(looking)
      const { done, failed, cancelled } = job.counts
      console.log(done + " done, " + failed + " failed, " + cancelled + " cancelled")
      console.log("attempts " + [...job.tasks].map(({ stats }) => stats.attempt).join(" "))
      process.stdin.destroy()`
    const child = spawn(process.execPath, ["--input-type=module", "-e", code, id], {
      env: { ...process.env, CELLFAN_TEST_QUEUE: server.url, CELLFAN_TEST_LIBRARY: built("index.js") },
      stdio: ["pipe", "pipe", "inherit"],
    })
    let said = ""
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString()
    })
    const ends = once(child, "exit").then(() => said)
    await waitUntil(() => said !== "")
    return { write: (text: string) => child.stdin.write(text), ends }
  }
})
