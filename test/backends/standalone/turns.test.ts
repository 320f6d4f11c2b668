import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { StandaloneExecutor } from "../../../kernel-ext/index.ts"
import { need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"

/** Who waits for whom. */
describe("Tasks in one queue", function () {
  this.timeout(60_000)
  let server: NatsServer
  let agents: TestAgent[] = []
  let fexec: StandaloneExecutor
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

  before(async function () {
    server = await NatsServer.start(need(this, natsServer.what, natsServer.find()))
    agents = await Promise.all(["a", "b"].map((host) => TestAgent.start(server.url, { host, workers: 1 })))
    fexec = new StandaloneExecutor({ nats: [server.url], pool: "test" })
  })
  after(async () => {
    await fexec?.close()
    await Promise.all(agents.map((agent) => agent.stop()))
    await server?.stop()
  })

  it("do not wait for a slow one that they travel with: they go to the other machine", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-turns-"))
    const release = join(folder, "release")
    const held = async (n: number, _: unknown, file: string) => {
      const { existsSync } = await import("node:fs")
      while (file !== "" && n === 0 && !existsSync(file))
        await new Promise((resolve) => setTimeout(resolve, 20))
      await new Promise((resolve) => setTimeout(resolve, 1))
      return n
    }
    // From here on it is known that they are quick, and many travel together.
    await fexec.map(held, upTo(400), { extraArgs: [""] })
    const job = fexec.map(held, upTo(400), { extraArgs: [release] })
    await waitUntil(() => job.counts.done === 399, 20_000)
    expect(job.tasks[0]?.state).to.equal("running")
    writeFileSync(release, "")
    expect(await job).to.deep.equal(upTo(400))
    rmSync(folder, { recursive: true })
  })

  it("travel together as far as they are short, and alone where they are not", async () => {
    const held = async (ms: number) => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      return process.pid
    }
    const long = await fexec.map(held, new Array<number>(6).fill(300))
    // Three each: none waited for another while a machine was free.
    for (const pid of new Set(long)) expect(long.filter((one) => one === pid)).to.have.length(3)
  })

  it("of a small job begin while another kernel's, or this one's, large job waits", async () => {
    const large = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        return n
      },
      upTo(4000),
      { chunkSize: 1 },
    )
    await waitUntil(() => large.counts.done > 20, 20_000)
    await using other = new StandaloneExecutor({ nats: [server.url], pool: "test" })
    for (const executor of [fexec, other])
      expect(await executor.map((word: string) => word.length, ["one", "three"])).to.deep.equal([3, 5])
    // By far not all of it went first. And it goes on meanwhile.
    const before = large.counts.done
    expect(before).to.be.lessThan(1500)
    await waitUntil(() => large.counts.done > before + 10, 20_000)
    large.cancel()
    await large.settled()
  })

  it("of two large jobs take turns", async () => {
    const nap = async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      return n
    }
    const [one, other] = [nap, async (n: number) => nap(n)].map((fn) =>
      fexec.map(fn, upTo(2000), { chunkSize: 1 }),
    )
    await waitUntil(() => (one?.counts.done ?? 0) > 60 && (other?.counts.done ?? 0) > 60, 30_000)
    for (const job of [one, other]) expect(job?.counts.done).to.be.lessThan(1500)
    one?.cancel()
    other?.cancel()
    await Promise.all([one?.settled(), other?.settled()])
  })
})
