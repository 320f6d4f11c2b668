import { expect } from "chai"
import lodash from "lodash"
import { nanoid } from "nanoid"
import { type FunctionSpec, functionName } from "../../../kernel-ext/backends/lambda/deploy.ts"
import { ownCode } from "../../../kernel-ext/backends/lambda/function-code.ts"
import { userPolicy } from "../../../kernel-ext/backends/lambda/policy.ts"
import { runtimeFor } from "../../../kernel-ext/backends/lambda/runtime.ts"
import { openExecutors } from "../../../kernel-ext/executors/observe.ts"
import { type Job, ServerlessExecutor } from "../../../kernel-ext/index.ts"
import { StorageClient } from "../../../kernel-ext/storage/storage.ts"
import { jobPrefix } from "../../../kernel-ext/storage/temporary.ts"
import { collectGarbage } from "../../support/garbage.ts"
import { need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { lambdaAt } from "../../support/servers/lambda-backend.ts"
import { type LambdaShim, startLambdaShim } from "../../support/servers/lambda-shim.ts"
import { ministack, startMinistack } from "../../support/servers/ministack.ts"
import type { Server } from "../../support/servers/server-process.ts"
import { startWeb } from "../../support/servers/web.ts"
import { TestExecutor } from "./executor.ts"

function heapBytes(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const spec: FunctionSpec = {
  memoryMiB: 512,
  timeoutMs: 60_000,
  architecture: "x86_64",
  ephemeralStorageMiB: 512,
  shard: 0,
  env: {},
  tags: {},
  code: ownCode("nodejs22.x"),
}

describe("The functions of Lambda", () => {
  it("are named by all that they are, but not by their tags", () => {
    const name = functionName(spec)
    expect(name)
      .to.match(/^cellfan-512mib-[0-9a-f]{16}$/)
      .and.equal(functionName({ ...spec, tags: { a: "b" } }))
    const others = [
      functionName({ ...spec, memoryMiB: 1024 }),
      functionName({ ...spec, timeoutMs: 61_000 }),
      functionName({ ...spec, architecture: "arm64" }),
      functionName({ ...spec, code: ownCode("nodejs24.x") }),
      functionName({ ...spec, env: { A: "1" } }),
      functionName({ ...spec, shard: 1 }),
      functionName({ ...spec, namespace: "mine" }),
    ]
    expect(new Set([name, ...others]).size).to.equal(8)
  })

  it("are less than a megabyte", () => {
    expect(ownCode("nodejs22.x").zip.byteLength).to.be.lessThan(1_000_000)
  })

  it("run the Node.js of Lambda that is nearest to the notebook's", () => {
    const nearest = ["20.19.0", "22.12.0", "24.1.0", "26.0.0"].map(runtimeFor)
    expect(nearest).to.deep.equal(["nodejs22.x", "nodejs22.x", "nodejs24.x", "nodejs24.x"])
  })

  it("need rights over what is called cellfan, and no more", () => {
    const { Statement } = userPolicy()
    const wide = Statement.filter(({ Resource }) => Resource === "*").map(({ Action }) => Action)
    expect(wide).to.deep.equal(["lambda:ListFunctions"])
    expect(JSON.stringify(userPolicy("arn:aws:iam::1:role/own"))).to.not.include("iam:CreateRole")
  })
})

describe("ServerlessExecutor on an emulator", function () {
  this.timeout(60_000)
  let server: Server
  let fexec: ServerlessExecutor
  const saved = { ...process.env }
  before(async function () {
    server = await startMinistack(need(this, ministack.what, ministack.find()))
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" })
    fexec = new ServerlessExecutor({ endpoint: server.url, region: "us-east-1", workers: 2, memoryMiB: 256 })
  })
  after(async () => {
    await fexec?.close()
    await server?.stop()
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
      if (saved[name] === undefined) delete process.env[name]
      else process.env[name] = saved[name]
    }
  })

  it("is one function for two kernels that deploy at once, and is found again", async () => {
    const others = [1, 2, 3].map(() => lambdaAt(server.url))
    const said: string[] = []
    await Promise.all(others.map((backend) => backend.open()))
    const again = lambdaAt(server.url, { onProgress: (text) => said.push(text) })
    await again.open()
    expect(said).to.deep.equal([])
    const { functions } = await again.list()
    expect(functions.map(({ memoryMiB }) => memoryMiB)).to.deep.equal([512])
    expect(await again.remove(functions[0]?.name ?? "")).to.equal(true)
    expect(await again.remove(functions[0]?.name ?? "")).to.equal(false)
    for (const backend of [...others, again]) await backend.close()
  })

  it("brings npm packages along, those that are modules only as well", async () => {
    const names = await fexec.map(
      (text: string) => [lodash.camelCase(text), nanoid(8).length],
      ["fan out", "cell"],
    )
    expect(names).to.deep.equal([
      ["fanOut", 8],
      ["cell", 8],
    ])
  })

  it("deploys to the other Node.js by its name", async () => {
    const backend = lambdaAt(server.url, { code: ownCode("nodejs24.x"), namespace: "other" })
    await backend.open()
    const { functions } = await backend.list()
    expect(functions.map(({ runtime }) => runtime)).to.deep.equal(["nodejs24.x"])
    await backend.removeAll()
    await backend.close()
  })

  it("gives a task another size of function where it asks for one", async () => {
    const memory = () => process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE
    expect(await fexec.map(memory, [1])).to.deep.equal(["256"])
    expect(await fexec.map(memory, [1], { memoryMiB: 512 })).to.deep.equal(["512"])
  })

  it("sends what is larger than a call by way of storage, there and back, and leaves nothing in it", async () => {
    const table = new Float64Array(1_000_000).fill(2)
    const large = new ServerlessExecutor({ endpoint: server.url, region: "us-east-1", memoryMiB: 512 })
    const results = await large.map(
      (row: Float64Array) => row.map((x, i) => x + (table[i] ?? 0)),
      [new Float64Array(900_000).fill(1)],
    )
    expect([results[0]?.length, results[0]?.[0], results[0]?.at(-1)]).to.deep.equal([900_000, 3, 3])
    const backend = lambdaAt(server.url)
    // The job deletes its own at its end, and to close waits for that.
    await large.close()
    expect(await backend.cleanStorage("all")).to.deep.equal({ objects: 0, bytes: 0, leftJobs: [] })
    expect(await backend.removeAll()).to.have.length(2)
    expect((await backend.list()).functions).to.deep.equal([])
    await backend.close()
  })

  it("deletes at its clean-up what is past its time, and leaves what jobs of other kernels have there", async () => {
    const keys = { accessKeyId: "test", secretAccessKey: "test" }
    const options = { region: "us-east-1", endpoint: server.url, pathStyle: true }
    const storage = new StorageClient({ backend: "aws_s3", bucket: undefined, options, secrets: keys })
    await storage.put(`${jobPrefix("of-last-week", 1, Date.now() - 2 * 3_600_000)}call-0`, "12345")
    await storage.put(`${jobPrefix("of-another-kernel")}call-0`, "123")
    const view = openExecutors().find(({ handle }) => handle === fexec)
    expect(await view?.clean()).to.deep.equal({ objects: 1, bytes: 5, leftJobs: [] })
    expect(await view?.clean("all")).to.deep.equal({ objects: 0, bytes: 0, leftJobs: ["of-another-kernel"] })
    await storage.delete({ prefix: "cellfan.temporary/" })
  })

  it("goes on with its jobs while another process deletes all functions and all that jobs have left in storage", async () => {
    const table = new Float64Array(1_000_000).fill(2)
    const large = new ServerlessExecutor({
      endpoint: server.url,
      region: "us-east-1",
      memoryMiB: 512,
      workers: 1,
    })
    const slow = async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 300))
      return n + (table[n] ?? 0)
    }
    const job = large.map(slow, [1, 2, 3, 4, 5, 6], { chunkSize: 1 })
    await job.tasks[0]
    const other = lambdaAt(server.url)
    expect((await other.removeAll()).length).to.be.at.least(1)
    expect(await other.cleanStorage("all")).to.deep.equal({ objects: 0, bytes: 0, leftJobs: [job.id] })
    await other.close()
    expect(await job).to.deep.equal([3, 4, 5, 6, 7, 8])
    await large.close()
  })
})

describe("Calls of Lambda", () => {
  let shim: LambdaShim
  before(async () => {
    shim = await startLambdaShim()
  })
  after(() => shim.stop())

  it("ask nothing of storage where they fit", async () => {
    const web = await startWeb()
    const storage = () => ({ backend: "aws_s3", bucket: "b", options: { endpoint: web.url, region: "r" } })
    await using fexec = new TestExecutor(shim.url, { storage })
    const values = new Float64Array(100_000).fill(1)
    const job = fexec.map((n: number) => values.length + n, [1, 2, 3], { chunkSize: 3 })
    expect(await job).to.deep.equal([100_001, 100_002, 100_003])
    // Who answers it is known at the end; before that it is counted by nobody's name.
    expect(job.stats().workersUsed).to.equal(1)
    await fexec.close()
    expect(web.requests).to.deep.equal([])
    await web.stop()
  })

  it("are shared by as many functions as are asked for", async () => {
    shim.callsOf.clear()
    await using fexec = new TestExecutor(shim.url, { workers: 6, shards: 3, namespace: "shards" })
    const names = await fexec.map(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 100))
        return process.pid
      },
      [...Array(12).keys()],
      { chunkSize: 1 },
    )
    expect(new Set(names).size).to.be.at.least(3)
    expect(shim.callsOf.size).to.equal(3)
    for (const [name, calls] of shim.callsOf) expect(calls, name).to.be.at.least(2)
  })

  it("keep of 10 000 tasks what their results are, and nothing once the job is let go", async () => {
    await using fexec = new TestExecutor(shim.url)
    const inputs = [...Array(10_000).keys()]
    await fexec.map((n: number) => n, inputs)
    const before = heapBytes()
    let job: Job<number> | undefined = fexec.map((n: number) => n + 1, inputs)
    expect((await job).at(-1)).to.equal(10_000)
    const held = heapBytes() - before
    expect(job.counts.done).to.equal(10_000)
    job = undefined
    const left = heapBytes() - before
    expect(held).to.be.lessThan(200 * 10_000)
    expect(left).to.be.lessThan(1_000_000)
  })

  it("bring large code to an instance once", async () => {
    await using fexec = new TestExecutor(shim.url, { workers: 1 })
    const table = "x".repeat(1_000_000)
    shim.requestBytes.length = 0
    for (let n = 0; n < 5; n++) await fexec.callAsync((i: number) => table.length + i, n)
    const large = shim.requestBytes.filter((bytes) => bytes > 1_000_000)
    expect(large).to.have.length(1)
  })

  it("that wait are never made once they are cancelled; of those that run it is said that Lambda finishes them", async () => {
    const said: string[] = []
    await using fexec = new TestExecutor(shim.url, { workers: 2, onProgress: (text) => said.push(text) })
    const job: Job<unknown> = fexec.map(
      () => new Promise((resolve) => setTimeout(resolve, 3000)),
      [1, 2, 3, 4, 5, 6],
      {
        chunkSize: 1,
      },
    )
    await waitUntil(() => job.counts.running === 2)
    const before = shim.requestBytes.length
    job.cancel()
    const began = Date.now()
    await job.settled()
    expect(Date.now() - began).to.be.lessThan(1000)
    expect(shim.requestBytes.length).to.equal(before)
    expect(said.filter((text) => /Lambda cannot end calls that run/.test(text))).to.have.length(1)
    expect(await fexec.callAsync((n: number) => n, 1)).to.equal(1)
  })
})
