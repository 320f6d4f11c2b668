import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { packedWorkerVariables, workerContainer } from "../../kernel-ext/backends/serverless/container.ts"
import { capture } from "../../kernel-ext/capture/capture.ts"
import type { TaskContext } from "../../kernel-ext/protocol/context.ts"
import { ContainerInstance } from "../support/servers/container-instance.ts"
import { call, callUnderLoad, token, untilRunning } from "./worker-calls.ts"

function startWorker(more: Record<string, string> = {}, memoryMiB = 512): Promise<ContainerInstance> {
  const size = { memoryMiB, timeoutMs: 20_000 }
  const { command, args, env } = workerContainer({ backend: "test", ...size })
  const variables = { ...env, ...packedWorkerVariables(32_000), CELLFAN_TOKEN: token, ...more }
  return ContainerInstance.start({ command, args, env: variables, memoryMiB })
}

describe("The worker as a container", () => {
  let worker: ContainerInstance
  before(async () => {
    worker = await startWorker({ CELLFAN_CONCURRENCY: "2" })
    await worker.ready("/health")
  })
  after(() => worker.stop())

  it("runs the tasks of a call, and is the same instance for the next one", async () => {
    const double = capture((n: number) => n * 2)
    const first = await call(worker, double, [1, 2, 3])
    const second = await call(worker, double, [4])
    expect([...first.results, ...second.results]).to.deep.equal([2, 4, 6, 8])
    expect(first.environment).to.match(/^test:\w{8}\.\d$/)
    expect(second.environment.slice(0, 13)).to.equal(first.environment.slice(0, 13))
  })

  it("answers in parts: logs and progress come while the task runs", async () => {
    const slow = capture(async (_: number, ctx: TaskContext) => {
      ctx.log("begun")
      await new Promise((resolve) => setTimeout(resolve, 500))
    })
    const atMs = performance.now()
    let loggedAtMs = Number.POSITIVE_INFINITY
    await call(worker, slow, [1], {
      hear: ({ said }) => {
        if (said.some(({ message }) => message.type === "log"))
          loggedAtMs = Math.min(loggedAtMs, performance.now())
      },
    })
    expect(performance.now() - loggedAtMs).to.be.greaterThan(300)
    expect(loggedAtMs).to.be.greaterThan(atMs)
  })

  it("says how it is, and takes nothing but calls", async () => {
    const health = await fetch(`${worker.url}/health`)
    expect(await health.json()).to.deep.equal({ status: "ok", running: 0, atOnce: 2 })
    const post = (path: string, body: string, headers = {}) =>
      fetch(worker.url + path, { method: "POST", body, headers: { "x-cellfan-token": token, ...headers } })
    const statuses = await Promise.all([
      fetch(worker.url),
      fetch(`${worker.url}/other`),
      post("/", "no JSON"),
      post("/", "[]"),
      post("/", "{}", { "x-cellfan-token": "another" }),
      post("/", "{}", { "x-cellfan-token": "" }),
    ])
    expect(statuses.map(({ status }) => status)).to.deep.equal([405, 404, 400, 400, 401, 401])
    expect(await statuses[4]?.json()).to.deep.equal({ error: "The call has not the token of this worker." })
  })

  it("runs as many calls at once as it may, and refuses the next", async () => {
    const wait = capture(() => new Promise((resolve) => setTimeout(resolve, 600)))
    const running = [call(worker, wait, [0]), call(worker, wait, [0])]
    await untilRunning(worker, 2)
    const third = await call(worker, wait, [0]).catch((error: Error) => error.message)
    expect(third).to.equal("429 As many calls run here as may.")
    const [a, b] = await Promise.all(running)
    expect(a?.environment).not.to.equal(b?.environment)
  })

  it("ends the task of a caller that has left, and takes the next call", async () => {
    const leave = new AbortController()
    const forever = capture(() => {
      for (;;) {}
    })
    const left = call(worker, forever, [0], { signal: leave.signal }).catch(() => "left")
    await untilRunning(worker, 1)
    leave.abort()
    expect(await left).to.equal("left")
    await untilRunning(worker, 0)
    expect(
      (
        await call(
          worker,
          capture((n: number) => n),
          [7],
        )
      ).results,
    ).to.deep.equal([7])
  })

  it("ends a task that uses up the memory, names it, and goes on", async () => {
    const fill = capture((n: number) => {
      const kept: Uint8Array[] = []
      // As fast as a busy machine can still look at it.
      const tick = new Int32Array(new SharedArrayBuffer(4))
      for (let at = 0; n === 1 && at < 400; at++) {
        kept.push(new Uint8Array(5 * 2 ** 20).fill(1))
        Atomics.wait(tick, 0, 0, 15)
      }
      return kept.length
    })
    const small = await startWorker({}, 384)
    try {
      await small.ready("/health")
      const { end } = await call(small, fill, [0, 1])
      expect(end?.outcome).to.deep.equal({ kind: "lost", offset: 1, reason: "ran out of memory" })
      expect(small.wasKilledForMemory).to.equal(false)
      expect(
        (
          await call(
            small,
            capture((n: number) => n),
            [7],
          )
        ).results,
      ).to.deep.equal([7])
    } finally {
      await small.stop()
    }
  })

  it("holds under load: thousands of calls from many callers, each with its own answer", async () => {
    const echo = capture((n: number) => n)
    const [callers, each] = [16, 100]
    const atMs = performance.now()
    const { wrong, refused } = await callUnderLoad(worker, echo, { callers, each })
    expect(wrong).to.deep.equal([])
    const seconds = (performance.now() - atMs) / 1000
    console.log(`      ${callers * each} calls in ${seconds.toFixed(1)} s, ${refused} refused and made again`)
  }).timeout(120_000)
})

describe("A worker in a container that is told to end", () => {
  it("answers the call that runs, refuses others, and ends by itself with code 0", async () => {
    const worker = await startWorker()
    try {
      await worker.ready("/health")
      const wait = capture(() => new Promise((resolve) => setTimeout(() => resolve("answered"), 700)))
      const running = call(worker, wait, [0])
      await untilRunning(worker, 1)
      worker.signal("SIGTERM")
      await sleep(100)
      const late = await call(worker, wait, [0]).catch((error: Error) => error.message)
      expect(late).to.match(/^503 |fetch failed/)
      expect((await running).results).to.deep.equal(["answered"])
      expect(await worker.ended()).to.deep.equal({ code: 0, signal: null })
    } finally {
      await worker.stop()
    }
  })

  it("does not start where anybody could call it", async () => {
    const worker = await startWorker({ CELLFAN_TOKEN: "short" })
    try {
      expect((await worker.ended()).code).to.equal(1)
      expect(worker.said).to.include("Set CELLFAN_TOKEN to a secret of 16 characters or more")
    } finally {
      await worker.stop()
    }
  })
})
