import { join } from "node:path"
import { expect } from "chai"
import { jobMime } from "../../../kernel-ext/protocol/job-view.ts"
import { KernelClient } from "../../support/kernel-client.ts"
import { need } from "../../support/needs.ts"
import { root } from "../../support/repository.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"

/** Jupyter's own kernel and its restart. */
describe("A job whose kernel is restarted", function () {
  this.timeout(90_000)
  let server: NatsServer
  let agent: TestAgent
  let kernel: KernelClient

  before(async function () {
    server = await NatsServer.start(need(this, natsServer.what, natsServer.find()))
    agent = await TestAgent.start(server.url, { host: "a", workers: 2 })
    kernel = await KernelClient.start({ command: [process.execPath, join(root, "dist", "kernel.js")] })
  })
  after(async () => {
    await kernel?.close()
    await agent?.stop()
    await server?.stop()
  })

  const textOf = async (code: string): Promise<string> => {
    const { reply, iopub } = await kernel.execute(code)
    expect(reply.content.status, JSON.stringify(reply.content)).to.equal("ok")
    return iopub.find(({ type }) => type === "execute_result")?.content.data["text/plain"] ?? ""
  }

  it("goes on meanwhile, and attach gives its results and its grid in the new one", async () => {
    await textOf(`%StandaloneExecutor --nats ${server.url} --pool test`)
    const id = await textOf(`const job = fexec.map(async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      if (n === 70) throw new RangeError("seventy")
      return n * 2
    }, Array.from({ length: 80 }, (_, n) => n))
    for await (const task of job) break
    await new Promise((resolve) => setTimeout(resolve, 1500))
    job.id`)
    await kernel.do("restart")
    const { reply, iopub } = await kernel.execute(`import { attach } from "cellfan"
    const job = attach<number>("${id.replaceAll("'", "")}", { nats: ["${server.url}"], pool: "test" })
    const ends = await job.settled()
    const { done, failed, cancelled } = job.counts
    const sum = ends.reduce((all, end) => all + (end.status === "fulfilled" ? end.value : 0), 0)
    console.log(done, failed, cancelled, sum, job.tasks[70]?.error?.message)`)
    expect(reply.content.status, JSON.stringify(reply.content)).to.equal("ok")
    const printed = iopub.filter(({ type }) => type === "stream").map(({ content }) => content.text)
    expect(printed.join("")).to.match(new RegExp(`79 1 0 ${2 * (79 * 40 - 70)} .*seventy`))
    const grids = iopub.filter(({ type, content }) => type === "display_data" && jobMime in content.data)
    expect(grids).to.have.length(1)
  })
})
