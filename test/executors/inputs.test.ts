import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { attach, broadcast, LocalhostExecutor, perWorker } from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"
import { collectGarbage } from "../support/garbage.ts"
import { waitUntil } from "../support/processes.ts"

describe("What goes into a map", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  it("is read from an async iterable no faster than the workers take it", async () => {
    let read = 0
    let ended = false
    async function* endless() {
      try {
        for (;;) yield read++
      } finally {
        ended = true
      }
    }
    const job = fexec.map((n: number) => new Promise((resolve) => setTimeout(() => resolve(n), 1)), endless())
    await waitUntil(() => job.counts.done > 20)
    const readThen = read
    await sleep(50)
    // It reads ahead by a window, and not to an end that there is none of.
    expect(read).to.be.lessThan(20_000)
    expect(read - readThen).to.be.lessThan(2000)
    expect(job.sized).to.equal(false)
    job.cancel()
    await job.settled()
    await waitUntil(() => ended)
  })

  it("is let go of when its task is done, where it came from an iterable", async () => {
    const gone = new Set<number>()
    const registry = new FinalizationRegistry<number>((n) => gone.add(n))
    const some = Array.from({ length: 50 }, (_, n) => n)
    async function* objects() {
      for (const n of some) {
        const input = { n, ballast: new Array(1000).fill(n) }
        registry.register(input, n)
        yield input
      }
    }
    const job = fexec.map(({ n }: { n: number }) => n, objects())
    expect(await job).to.deep.equal(some)
    for (let i = 0; i < 100 && gone.size < 40; i++) {
      collectGarbage()
      await sleep(5)
    }
    expect(gone.size).to.be.at.least(40)
  }).timeout(60_000)

  const first = (bytes: Uint8Array) => [bytes[0], bytes.length]

  it("is what a buffer held when map was called, though the buffer is filled again at once", async () => {
    const large = new Uint8Array(1_000_000).fill(1)
    const job = fexec.map(first, [large, Buffer.from(large.buffer, 10, 5), large.subarray(5, 9)], {
      chunkSize: 1,
    })
    large.fill(2)
    expect(await job).to.deep.equal([
      [1, 1_000_000],
      [1, 5],
      [1, 4],
    ])
  })

  it("is what a buffer held when an iterable gave it, though it gives the same one again and again", async () => {
    function* readings() {
      const buffer = new Float64Array(10)
      for (let n = 0; n < 100; n++) yield buffer.fill(n)
    }
    const numbers = await fexec.map((values: Float64Array) => values[9], readings())
    expect(numbers).to.deep.equal(Array.from({ length: 100 }, (_, n) => n))
  })

  it("is read from an iterable of large buffers no further ahead than 64 MiB", async () => {
    let read = 0
    async function* files() {
      for (; read < 300; read++) yield new Uint8Array(1_000_000)
    }
    const job = fexec.map((_: Uint8Array) => new Promise((resolve) => setTimeout(resolve, 10)), files())
    await waitUntil(() => job.counts.done > 5)
    expect(read - job.counts.done).to.be.lessThan(150)
    await job
    expect(read).to.equal(300)
  }).timeout(60_000)

  it("travels in batches of `chunkSize`", async () => {
    const job = fexec.map(
      (n: number) => {
        const here = globalThis as { calls?: number }
        here.calls = (here.calls ?? 0) + 1
        return [n, process.pid, here.calls] as const
      },
      Array.from({ length: 12 }, (_, n) => n),
      { chunkSize: 6 },
    )
    const results = await job
    // Six inputs in a row went to one worker, which ran them one after the other.
    for (const first of [0, 6]) {
      const batch = results.slice(first, first + 6)
      expect(new Set(batch.map(([, pid]) => pid)).size).to.equal(1)
      expect(batch.map(([, , call]) => call - (batch[0]?.[2] ?? 0))).to.deep.equal([0, 1, 2, 3, 4, 5])
    }
  })

  it("may be what perWorker builds: once in each worker, whatever the number of tasks and maps", async () => {
    const client = perWorker(() => ({ id: `${process.pid}-${Math.random()}`, calls: 0 }))
    const use = (_: number) => {
      client.calls++
      return client.id
    }
    const ids = [
      ...(await fexec.map(use, new Array(40).fill(0))),
      ...(await fexec.map(use, new Array(40).fill(0))),
    ]
    expect(new Set(ids).size).to.be.at.most(2)
    for (const id of ids) expect(id).to.not.match(new RegExp(`^${process.pid}-`))
  })

  it("may be a broadcast, which takes no room among the inputs", async () => {
    const table = broadcast(new Float64Array(500_000).fill(3))
    const job = fexec.map((n: number) => (table[n] ?? 0) * n, [1, 2, 3, 4])
    expect(await job).to.deep.equal([3, 6, 9, 12])
    expect(job.stats().bytesIn).to.be.lessThan(100_000)
  })
})

describe("attach", () => {
  it("finds a job of this process by its id, and says what to do where there is none", async () => {
    await using fexec = new LocalhostExecutor({ workers: 1 })
    const job = fexec.map((n: number) => n + 1, [1, 2])
    expect(attach(job.id)).to.equal(job)
    expect(await attach<number>(job.id)).to.deep.equal([2, 3])
    // Where nobody has started machines, whose queues would be asked.
    const { HOME } = process.env
    const home = await mkdtemp(join(tmpdir(), "cellfan-home-"))
    process.env.HOME = home
    try {
      expect(() => attach("00000000")).to.throw(RangeError, /no job 00000000.*`cache: true`/)
    } finally {
      process.env.HOME = HOME
      await rm(home, { recursive: true })
    }
  })
})

describe("A retry with back-off", () => {
  it("waits longer before each further attempt", async () => {
    await using fexec = new LocalhostExecutor({ workers: 1 })
    const job = fexec.map(
      (_: number, ctx) => {
        if (ctx.attempt < 4) throw new Error(String(Date.now()))
        return Date.now()
      },
      [0],
      { retries: 3, backoffMs: 40 },
    )
    const started = Date.now()
    await job
    // 40 + 80 + 160.
    expect(Date.now() - started).to.be.at.least(275)
    expect(job.tasks[0]?.stats.attempt).to.equal(4)
  })

  it("is given up when the job is cancelled", async () => {
    await using fexec = new LocalhostExecutor({ workers: 1 })
    const job = fexec.map(() => Promise.reject(new Error("no")), [0], { retries: 5, backoffMs: 60_000 })
    await waitUntil(() => job.stats().retries === 1)
    job.cancel()
    expect((await failureOf(job)).name).to.equal("CancelledError")
  })
})
