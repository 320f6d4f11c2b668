import { createServer, connect as dial, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { type JobError, StandaloneExecutor, WorkerLostError } from "../../../kernel-ext/index.ts"
import { failureOf } from "../../support/failure.ts"
import { need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"

/** What docs/standalone.md says a person may count on. */
describe("Machines that fail", function () {
  this.timeout(90_000)
  let server: NatsServer
  let agents: TestAgent[] = []
  let fexec: StandaloneExecutor

  const start = async (host: string, url = server.url): Promise<TestAgent> => {
    const agent = await TestAgent.start(url, { host, workers: 2 })
    agents.push(agent)
    return agent
  }
  const inputs = (count: number) => Array.from({ length: count }, (_, i) => i)
  const slowly = async (n: number, _: unknown, ms: number): Promise<number> => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return n
  }

  before(function () {
    need(this, natsServer.what, natsServer.find())
  })
  beforeEach(async () => {
    server = await NatsServer.start(natsServer.find() as string)
    fexec = new StandaloneExecutor({ nats: [server.url], pool: "test" })
  })
  afterEach(async () => {
    await fexec?.close()
    await Promise.all(agents.map((agent) => agent.stop()))
    agents = []
    await server?.stop()
  })

  it("lose nothing: tasks of a machine that is killed run elsewhere within 20 seconds", async () => {
    const [lost] = await Promise.all([start("a"), start("b")])
    const job = fexec.map(async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return n
    }, inputs(60))
    await waitUntil(() => job.counts.done > 10)
    const killedAtMs = Date.now()
    await lost.kill()
    expect(await job).to.deep.equal(inputs(60))
    expect(Date.now() - killedAtMs).to.be.lessThan(20_000)
    expect(job.counts).to.include({ done: 60, failed: 0 })
  })

  it("are spared a task that ends three of them, which is failed with that word", async () => {
    await Promise.all([start("a"), start("b"), start("c"), start("d")])
    const job = fexec.map(
      (n: number) => {
        // As a task does that takes a machine down: with its agent, which is its worker's parent.
        if (n === 5) process.kill(process.ppid, "SIGKILL")
        return n
      },
      inputs(12),
      { chunkSize: 3 },
    )
    const error = await failureOf<JobError>(job)
    expect(error.errors).to.have.length(1)
    expect(error.errors[0]).to.be.instanceOf(WorkerLostError)
    expect(error.errors[0]?.message).to.include("ended 3 machines")
    expect(job.counts).to.include({ done: 11, failed: 1 })
    expect(agents.filter((agent) => agent.isRunning)).to.have.length(1)
  })

  it("go on when the queue's server is killed and started again", async () => {
    await Promise.all([start("a"), start("b")])
    const job = fexec.map(async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return n
    }, inputs(400))
    await waitUntil(() => job.counts.done > 40)
    await server.kill()
    await sleep(1500)
    await server.restart()
    expect(await job).to.deep.equal(inputs(400))
  })

  it("give each result once when the network is cut and mended", async () => {
    const wire = await Wire.to(server.port)
    await Promise.all([start("a", wire.url), start("b")])
    let told = 0
    const job = fexec.map(async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      return n
    }, inputs(150))
    const seen: number[] = []
    const watching = (async () => {
      for await (const task of job) {
        seen.push(await task)
        told++
      }
    })()
    await waitUntil(() => job.counts.done > 10)
    wire.cut()
    await sleep(12_000)
    await wire.mend()
    expect(await job).to.deep.equal(inputs(150))
    await watching
    expect(told).to.equal(150)
    expect(new Set(seen).size).to.equal(150)
    await wire.close()
  })

  it("hear of a cancel within a second, also those that never look at their signal", async () => {
    await start("a")
    const job = fexec.map(
      async (n: number, ctx) => {
        ctx.log("at work")
        if (n === 0) for (;;) {}
        await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve))
      },
      inputs(5000),
      { chunkSize: 1 },
    )
    await waitUntil(() => job.counts.running === 2)
    const cancelledAtMs = Date.now()
    job.cancel()
    await job.settled()
    expect(job.counts.cancelled).to.equal(5000)
    // What runs now runs where those did: one worker was let go of, the other is a new process.
    const [ranAtMs] = await fexec.map(() => Date.now(), [0])
    expect((ranAtMs ?? 0) - cancelledAtMs).to.be.lessThan(1000)
    expect(await fexec.map((n: number) => n, [1, 2, 3, 4])).to.deep.equal([1, 2, 3, 4])
  })

  it("end what they run before they go, and leave the rest to others", async () => {
    const leaving = await start("a")
    const job = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 500))
        return `${n} ${process.ppid}`
      },
      inputs(12),
      { chunkSize: 1 },
    )
    await waitUntil(() => job.counts.running === 2)
    const pid = leaving.child.pid
    leaving.child.kill("SIGTERM")
    await start("b")
    const results = await job
    await waitUntil(() => !leaving.isRunning)
    expect(leaving.child.exitCode).to.equal(0)
    // None was begun twice: those at work when it was told ended where they were.
    expect(results.filter((text) => text.endsWith(` ${pid}`)).length).to.be.within(2, 4)
    expect(job.stats()).to.include({ retries: 0 })
  })

  it("end themselves when they have nothing to do", async () => {
    const agent = await TestAgent.start(server.url, { host: "idle", workers: 1, idleMs: 1500 })
    agents.push(agent)
    expect(await fexec.map(slowly, [1], { extraArgs: [2500] })).to.deep.equal([1])
    expect(agent.isRunning).to.equal(true)
    await waitUntil(() => !agent.isRunning)
    expect(agent.child.exitCode).to.equal(0)
    expect(agent.said).to.include("had nothing to do for 2 s")
  })
})

/** A wire to a server that can be cut: what is on it goes nowhere, and neither side is told. */
class Wire {
  readonly #server: Server
  readonly #target: number
  #isCut = false
  readonly #pairs = new Set<readonly [Socket, Socket]>()

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer((near) => {
      const far = dial(this.#target, "127.0.0.1")
      const pair = [near, far] as const
      this.#pairs.add(pair)
      near.on("data", (bytes) => this.#isCut || far.write(bytes))
      far.on("data", (bytes) => this.#isCut || near.write(bytes))
      for (const [one, other] of [pair, [far, near] as const]) {
        one.on("error", () => {})
        one.on("close", () => this.#isCut || other.destroy())
      }
    })
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port)
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve))
    return wire
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  cut(): void {
    this.#isCut = true
  }

  async mend(): Promise<void> {
    this.#isCut = false
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    this.#pairs.clear()
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
