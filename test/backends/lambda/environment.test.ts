import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { deathOf } from "../../../kernel-ext/backends/lambda/errors.ts"
import { lambdaLimits } from "../../../kernel-ext/backends/lambda/limits.ts"
import { sendingsOf } from "../../../kernel-ext/backends/sendings.ts"
import { Payloads, type Sent } from "../../../kernel-ext/backends/serverless/payload.ts"
import { capture } from "../../../kernel-ext/capture/capture.ts"
import type { Captured } from "../../../kernel-ext/capture/types.ts"
import type { InvocationEnd, Said } from "../../../kernel-ext/protocol/invocation.ts"
import { BlockReader } from "../../../kernel-ext/util/blocks.ts"
import { need } from "../../support/needs.ts"
import { type RieServer, rie, startRie } from "../../support/servers/rie.ts"

const payloads = new Payloads(() => {
  throw new Error("There is no storage here.")
}, lambdaLimits.requestBytes)

let jobs = 0

interface Answer {
  readonly environment: string
  readonly said: Said[]
  readonly end: InvocationEnd
}

describe("The worker in Amazon's own emulator of an instance", () => {
  let server: RieServer
  let folder: string
  before(async function () {
    folder = await mkdtemp(join(tmpdir(), "cellfan-rie-test-"))
    server = await startRie(need(this, rie.what, rie.find()), join(folder, "code"), 3)
  })
  after(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function call(
    captured: Captured,
    inputs: readonly unknown[],
    { sent = "all", timeoutMs }: { sent?: Sent; timeoutMs?: number } = {},
  ): Promise<Answer> {
    const jobId = `job-${jobs++}`
    const sendings = sendingsOf({
      ...{ jobId, shipment: captured.shipment, seed: 0, env: {}, timeoutMs, memoryMiB: undefined },
      ...{ indices: Uint32Array.from(inputs.keys()), attempts: undefined, extraArgs: undefined },
      inputs: captured.codec.encodeEach(inputs, (i) => `inputs[${i}]`),
    })
    const text = await server.invoke(await payloads.eventOf(sendings, { jobId, timeoutMs, sent }))
    let answer: Answer | undefined
    const reader = new BlockReader(1e9, ({ environment, said, end }) => {
      answer = { environment, said: [...said], end: end as InvocationEnd }
    })
    const { body } = JSON.parse(text)
    if (body === undefined) throw new Error(text)
    reader.push(Buffer.from(body, "base64"))
    return answer as Answer
  }

  function resultsOf({ untrusted }: Captured, { said }: Answer): unknown[] {
    return said.flatMap(({ message, parts }) => {
      if (message.type !== "report") return []
      const [, bytes = new Uint8Array(), ...blobs] = parts
      return message.segments.length === 0 ? [] : untrusted.decodeEach({ bytes, blobs })
    })
  }

  it("runs tasks, and is the same instance for the next call", async () => {
    const double = capture((n: number) => n * 2)
    const [first, second] = [await call(double, [1, 2, 3]), await call(double, [4])]
    expect(resultsOf(double, first)).to.deep.equal([2, 4, 6])
    expect(resultsOf(double, second)).to.deep.equal([8])
    expect(first.environment)
      .to.match(/^aws_lambda:\w{8}$/)
      .and.equal(second.environment)
    expect(first.end.initMs).to.be.greaterThan(0)
    expect(second.end.initMs).to.equal(undefined)
  })

  it("says what it was not sent, and keeps what it was", async () => {
    const table = "x".repeat(100_000)
    const long = capture((n: number) => table.length + n)
    const missing = await call(long, [1], { sent: "little" })
    expect(missing.end.outcome).to.deep.equal({ kind: "missing", keys: [`ship-${long.shipment.hash}`] })
    expect(missing.said).to.deep.equal([])
    expect(resultsOf(long, await call(long, [1]))).to.deep.equal([100_001])
    expect(resultsOf(long, await call(long, [2], { sent: "little" }))).to.deep.equal([100_002])
  })

  it("survives a task that ends its process, names it, and still has what it was sent", async () => {
    const table = "x".repeat(100_000)
    const exit = capture((n: number) => (n === 1 ? process.exit(table.length / 50_000) : n))
    const { environment, end, said } = await call(exit, [0, 1, 2])
    expect(end.outcome).to.deep.equal({ kind: "lost", offset: 1, reason: "called process.exit(2)" })
    expect(said.filter(({ message }) => message.type === "report")).to.have.length(1)
    const next = await call(exit, [5], { sent: "little" })
    expect(next.environment).to.equal(environment)
    expect(resultsOf(exit, next)).to.deep.equal([5])
  })

  it("ends a task that runs too long, also one that never lets go, and gives the others back", async () => {
    const forever = capture((n: number) => {
      if (n === 1) for (;;) {}
      return n
    })
    const { end } = await call(forever, [0, 1, 2], { timeoutMs: 300 })
    expect(end.outcome).to.include({ kind: "timedOut", offset: 1, limit: "task" })
    expect(end.durationMs).to.be.within(300, 2000)
    const after = capture((n: number) => n)
    expect(resultsOf(after, await call(after, [7]))).to.deep.equal([7])
  })

  it("answers before the function's own time is up", async () => {
    const slow = capture(() => new Promise(() => {}))
    const { end } = await call(slow, [0])
    expect(end.outcome).to.include({ kind: "timedOut", offset: 0, limit: "function" })
    expect(end.durationMs).to.be.lessThan(3000)
  }).timeout(10_000)

  it("carries output, failures with their errors, and refuses what it does not understand", async () => {
    const shout = capture((n: number, ctx: { log(...words: unknown[]): void }) => {
      ctx.log("task", n)
      throw new RangeError("no", { cause: { deep: new Map([[1, 2]]) } })
    })
    const { said } = await call(shout, [3])
    const log = said.find(({ message }) => message.type === "log")?.message
    expect(log).to.include({ index: 0, stream: "stdout", text: "task 3\n" })
    const report = said.find(({ message }) => message.type === "report")?.message
    const failure = report?.type === "report" ? report.failures[0] : undefined
    expect(failure).to.include({ name: "RangeError", message: "no" })
    const thrown = shout.untrusted.decode(
      failure?.error as { bytes: Uint8Array; blobs: Uint8Array[] },
    ) as Error
    expect((thrown.cause as { deep: Map<number, number> }).deep.get(1)).to.equal(2)
    expect(await server.invoke({ cellfan: 2, needs: [] })).to.include("cellfan")
  })

  it("is told by Amazon to have died where a task kills the whole process", async () => {
    const kill = capture(() => process.kill(process.pid, "SIGKILL"))
    const text = await call(kill, [0]).then(
      () => "",
      (error: Error) => error.message,
    )
    const death = deathOf(text, "", { memoryMiB: 512, timeoutMs: 3000 })
    expect(death.kind).to.be.oneOf(["crashed", "out-of-memory"])
  })
})
