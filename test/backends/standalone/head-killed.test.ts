import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { doneOf } from "../../../kernel-ext/backends/standalone/messages.ts"
import { Queue } from "../../../kernel-ext/backends/standalone/queue/queue.ts"
import { saidIn } from "../../../kernel-ext/backends/standalone/recorded.ts"
import { type Job, StandaloneExecutor } from "../../../kernel-ext/index.ts"
import { need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"

const count = 400
const kills = 8

describe("A queue's server that is killed again and again, at any moment", function () {
  this.timeout(120_000)
  let server: NatsServer
  let agents: TestAgent[] = []
  let fexec: StandaloneExecutor

  before(async function () {
    server = await NatsServer.start(need(this, natsServer.what, natsServer.find()))
    agents = await Promise.all(["a", "b"].map((host) => TestAgent.start(server.url, { host, workers: 1 })))
    fexec = new StandaloneExecutor({ nats: [server.url], pool: "test" })
    await fexec.map((n: number) => n, [1])
  })
  after(async () => {
    await fexec?.close()
    await Promise.all(agents.map((agent) => agent.stop()))
    await server?.stop()
  })

  /** Tasks whose results the server has, as often as it has them. */
  const kept = async (job: Job<unknown>): Promise<number[]> => {
    const queue = await Queue.open({ servers: [server.url] }, "test", { name: "test" })
    try {
      const indices: number[] = []
      for (const { bytes } of await queue.readAll(queue.names.resultSubject("*", job.id, "*")))
        for (const said of await saidIn(queue, bytes))
          if (said.message.type === "done") indices.push(...doneOf(said, (ms) => ms).indices)
      return indices
    } finally {
      await queue.close()
    }
  }
  const isDone = (job: Job<unknown>): number[] =>
    [...job.tasks].filter(({ state }) => state === "done").map(({ index }) => index)

  it("has every result that it had accepted, and none is told twice", async () => {
    const job = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        return 3 * n
      },
      Array.from({ length: count }, (_, i) => i),
    )
    const told: number[] = []
    const watching = (async () => {
      for await (const task of job) told.push((await task) / 3)
    })()
    const moments: number[] = []
    for (let kill = 0; kill < kills; kill++) {
      // The first ones fall into the time in which tasks are handed over.
      const moment = Math.round(Math.random() * (kill < 2 ? 40 : 700))
      moments.push(moment)
      await sleep(moment)
      await server.kill()
      const accepted = isDone(job)
      await server.restart()
      // What this process had heard of was accepted; so was more that it had not heard of yet.
      const left = new Set(await kept(job))
      const lost = accepted.filter((index) => !left.has(index))
      expect(lost, `lost by kills after ${moments.join(", ")} ms`).to.deep.equal([])
    }
    expect(job.counts.done, "it is still at work when the last kill falls").to.be.lessThan(count)
    await waitUntil(() => job.counts.done === count, 60_000)
    expect(await job).to.deep.equal(Array.from({ length: count }, (_, i) => 3 * i))
    await watching
    expect(told.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: count }, (_, i) => i))
    expect(new Set(await kept(job)).size).to.equal(count)
    expect(job.stats()).to.include({ retries: 0 })
  })
})
