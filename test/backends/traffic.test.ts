import { expect } from "chai"
import { WorkerProcess } from "../../kernel-ext/backends/local/worker-process.ts"
import { broadcast, LocalhostExecutor } from "../../kernel-ext/index.ts"
import type { Sending } from "../../kernel-ext/protocol/worker.ts"

/** What real workers are sent, looked at on its way. */
describe("What is sent to a worker", () => {
  const { send } = WorkerProcess.prototype
  let sent: { worker: string; type: string; bytes: number }[] = []
  let fexec: LocalhostExecutor

  beforeEach(() => {
    sent = []
    WorkerProcess.prototype.send = function (this: WorkerProcess, ...sendings: readonly Sending[]) {
      for (const { message, parts } of sendings) {
        const code = message.type === "ship" ? message.code.length : 0
        const bytes = parts.reduce((sum, part) => sum + part.byteLength, code)
        sent.push({ worker: this.name, type: message.type, bytes })
      }
      send.apply(this, [...sendings])
    }
    fexec = new LocalhostExecutor({ workers: 2 })
  })

  afterEach(async () => {
    WorkerProcess.prototype.send = send
    await fexec.close()
  })

  const bytes = (...types: string[]) =>
    sent.filter(({ type }) => types.includes(type)).reduce((sum, one) => sum + one.bytes, 0)
  /** Tasks that take a while go to both workers. */
  const both = { chunkSize: 1 }
  const inputs = [0, 1, 2, 3, 4, 5, 6, 7]

  it("is the function and its data once, however often it is mapped", async () => {
    const table = new Float64Array(100_000).fill(2)
    const fn = (n: number) => (table[n] ?? 0) + n
    await fexec.map(fn, inputs, both)
    await fexec.map(fn, inputs, both)
    expect(bytes("ship")).to.be.within(2 * 800_000, 2 * 810_000)
    sent = []
    await fexec.map(fn, inputs, both)
    expect(bytes("ship", "broadcast")).to.equal(0)
    expect(bytes("run", "job", "forget")).to.be.lessThan(500)
    table[0] = 7
    expect(await fexec.map(fn, [0])).to.deep.equal([7])
    expect(bytes("ship")).to.be.greaterThan(800_000)
  })

  it("is a broadcast value once for all functions that refer to it", async () => {
    const prices = broadcast(new Float64Array(100_000).fill(3))
    const same = broadcast(new Float64Array(100_000).fill(3))
    const sum = (n: number) => (prices[n] ?? 0) + n
    const product = (n: number) => (prices[n] ?? 0) * n
    const nested = (n: number) => [sum(n), product(n), same[n]]
    expect(await fexec.map(sum, inputs, both)).to.include(10)
    expect(await fexec.map(product, inputs, both)).to.include(21)
    expect(await fexec.map(nested, [1])).to.deep.equal([[4, 3, 3]])
    const workers = new Set(sent.filter(({ type }) => type === "broadcast").map(({ worker }) => worker))
    expect(workers.size).to.equal(2)
    expect(bytes("broadcast")).to.be.within(2 * 800_000, 2 * 800_100)
    expect(bytes("ship")).to.be.lessThan(10_000)
  })

  it("is a broadcast value again when the functions that referred to it have been forgotten", async () => {
    await using one = new LocalhostExecutor({ workers: 1 })
    const large = broadcast(new Float64Array(10_000).fill(1))
    const reads = (n: number) => large[n]
    const broadcasts = () => sent.filter(({ type }) => type === "broadcast").length
    expect(await one.map(reads, [1])).to.deep.equal([1])
    // As many further functions as a worker keeps.
    for (let other = 0; other < 32; other++) await one.map(() => other, [0])
    expect(broadcasts()).to.equal(1)
    expect(await one.map(reads, [2])).to.deep.equal([1])
    expect(broadcasts()).to.equal(2)
  })
})
