import { expect } from "chai"
import { need } from "../../support/needs.ts"
import { bareCode } from "../../support/servers/lambda-code.ts"
import { type FaultProxy, microburst, startMicroburst } from "../../support/servers/microburst.ts"
import { ministack, startMinistack } from "../../support/servers/ministack.ts"
import type { Server } from "../../support/servers/server-process.ts"
import { TestExecutor } from "./executor.ts"

describe("Lambda behind a network that breaks", () => {
  let emulator: Server
  let proxy: FaultProxy
  before(async function () {
    this.timeout(150_000)
    const programs = [
      need(this, ministack.what, ministack.find()),
      need(this, microburst.what, microburst.find()),
    ] as const
    emulator = await startMinistack(programs[0])
    proxy = await startMicroburst(programs[1], emulator.url)
  })
  after(async () => {
    await proxy?.stop()
    await emulator?.stop()
  })

  it("gives each of 2000 tasks its one result, with a fifth of all answers throttled, failed, reset or late", async () => {
    await using fexec = new TestExecutor(proxy.url, {
      workers: 8,
      code: bareCode(),
      roleArn: undefined,
      firstPauseMs: 20,
    })
    expect(await fexec.callAsync((n: number) => n, 1)).to.equal(1)
    const invoke = { service: "lambda", operation: "Invoke" }
    await proxy.setRules([
      { ...invoke, probability: 0.05, error: { code: "TooManyRequestsException" } },
      { ...invoke, probability: 0.05, error: { code: "ServiceException", status: 500 } },
      { ...invoke, probability: 0.05, reset: true },
      // The function has run; its answer does not arrive.
      { ...invoke, probability: 0.03, response: { abort_frac: 0.3 } },
      { ...invoke, probability: 0.02, latency: { min: 100, max: 400 } },
    ])
    const counted: number[] = []
    const job = fexec.map(
      (n: number) => n * n,
      Array.from({ length: 2000 }, (_, n) => n),
      { chunkSize: 5 },
    )
    for await (const task of job) counted.push(task.index)
    expect(await job).to.deep.equal(Array.from({ length: 2000 }, (_, n) => n * n))
    expect(counted.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 2000 }, (_, n) => n))
    expect(job.counts).to.include({ done: 2000, failed: 0 })
    const fired = await proxy.fired()
    const faults = [...fired.values()].reduce((sum, count) => sum + count, 0)
    expect(fired.size, [...fired.keys()].join(", ")).to.be.at.least(4)
    expect(faults).to.be.at.least(40)
  }).timeout(120_000)
})
