import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import {
  type Backend,
  type BatchEvents,
  type DoneTasks,
  noTask,
  type RunningBatch,
  type TaskBatch,
  type TaskEnd,
} from "../../kernel-ext/backends/backend.ts"
import { capture } from "../../kernel-ext/capture/capture.ts"
import type { Captured } from "../../kernel-ext/capture/types.ts"
import type { TaskContext } from "../../kernel-ext/protocol/context.ts"
import { waitUntil } from "../support/processes.ts"

type AnyFunction = (...args: never[]) => unknown

type More = Partial<Omit<TaskBatch, "extraArgs">> & { extraArgs?: readonly unknown[] }

/**
 * What every backend does. A new one's test is this suite with a factory for it:
 *
 *     conformsToBackend("localhost", () => new LocalBackend({ workers: 2 }))
 */
export function conformsToBackend(
  name: string,
  make: () => Backend,
  options: Pick<More, "isolation"> = {},
): void {
  describe(`${name} as a backend`, () => {
    let backend: Backend
    before(async () => {
      backend = make()
      await backend.open(new AbortController().signal)
    })
    after(() => backend.close())

    const run = (fn: AnyFunction, inputs: readonly unknown[], more: More = {}) =>
      new Trial(backend, fn, inputs, { ...options, ...more })

    it("tells each task of a batch once, with its result, and closes the batch after the last", async () => {
      const trial = run((n: number) => n * 2, [1, 2, 3])
      await trial.whenClosed
      expect(trial.results).to.deep.equal(
        new Map([
          [0, 2],
          [1, 4],
          [2, 6],
        ]),
      )
      expect(trial.told.at(-1)).to.equal("closed")
      expect(trial.told.filter((what) => what === "closed")).to.have.length(1)
    })

    it("names tasks by their indices, whatever these are, and gives them their attempt", async () => {
      const trial = run((_: unknown, ctx: TaskContext) => [ctx.index, ctx.attempt], ["a", "b"], {
        indices: Uint32Array.of(7, 4_000_000_000),
        attempts: Uint16Array.of(1, 3),
      })
      await trial.whenClosed
      expect(trial.results).to.deep.equal(
        new Map([
          [7, [7, 1]],
          [4_000_000_000, [4_000_000_000, 3]],
        ]),
      )
    })

    it("says when a task starts, on which worker, before it says that it ended", async () => {
      const trial = run(() => new Promise((resolve) => setTimeout(resolve, 30)), [1])
      await waitUntil(() => trial.told.length > 0)
      expect(trial.told[0]).to.match(/^started 0 on .+/)
      await trial.whenClosed
      expect(trial.times[0]?.endedAtMs).to.be.at.least(
        trial.times[0]?.startedAtMs ?? Number.POSITIVE_INFINITY,
      )
      expect(Math.abs((trial.times[0]?.endedAtMs ?? 0) - Date.now())).to.be.lessThan(60_000)
    })

    it("tells what a task threw, and runs those after it", async () => {
      const trial = run(
        (n: number) => {
          if (n === 1) throw new RangeError("one")
          return n
        },
        [0, 1, 2],
      )
      await trial.whenClosed
      expect([...trial.results.keys()]).to.deep.equal([0, 2])
      const end = trial.ends.get(1)
      expect(end).to.include({ kind: "threw", name: "RangeError", message: "one" })
    })

    it("hands over extra arguments and the seed", async () => {
      const extraArgs = [{ by: 3 }]
      const draw = (n: number, ctx: TaskContext, add: { by: number }) => [n + add.by, ctx.random()]
      const [a, b] = [run(draw, [1], { extraArgs, seed: 5 }), run(draw, [1], { extraArgs, seed: 5 })]
      await Promise.all([a.whenClosed, b.whenClosed])
      expect(a.results.get(0)).to.have.nested.property("[0]", 4)
      expect(a.results).to.deep.equal(b.results)
    })

    it("carries binary inputs and results whole", async () => {
      const trial = run(
        (numbers: Float64Array) => numbers.map((x) => -x),
        [new Float64Array(100_000).fill(2)],
      )
      await trial.whenClosed
      const result = trial.results.get(0) as Float64Array
      expect([result.length, result[0], result.at(-1)]).to.deep.equal([100_000, -2, -2])
    })

    it("runs many batches, no more at once than it has workers", async () => {
      const span = async () => {
        const from = Date.now()
        await new Promise((resolve) => setTimeout(resolve, 20))
        return [from, Date.now()]
      }
      const trials = Array.from({ length: backend.workers + 2 }, () => run(span, [0]))
      await Promise.all(trials.map((trial) => trial.whenClosed))
      const spans = trials.map((trial) => trial.results.get(0) as [number, number])
      const most = Math.max(...spans.map(([from]) => spans.filter(([a, b]) => a <= from && from < b).length))
      expect(most).to.be.within(1, backend.workers)
      expect(backend.idle).to.equal(backend.workers)
    })

    it("streams logs and progress, where it says it can", async function () {
      if (!backend.supports.logs || !backend.supports.progress) this.skip()
      const trial = run(
        async (_: unknown, ctx: TaskContext) => {
          ctx.log("hello", 1)
          ctx.progress(0.25, "quarter")
          await new Promise((resolve) => setTimeout(resolve, 30))
        },
        [0],
      )
      await trial.whenClosed
      expect(trial.logged).to.deep.equal(["0 stdout hello 1\n"])
      expect(trial.progressed).to.deep.equal(["0 0.25 quarter"])
    })

    it("gives back what has not begun, where it says it can", async function () {
      if (!backend.supports.takeBack) this.skip()
      const trial = run(() => new Promise((resolve) => setTimeout(resolve, 60)), [0, 1, 2, 3])
      await waitUntil(() => trial.told.some((what) => what.startsWith("started")))
      await sleep(20)
      trial.handle.takeBack()
      await trial.whenClosed
      expect(trial.givenBack).to.deep.equal([1, 2, 3])
      expect([...trial.results.keys()]).to.deep.equal([0])
      expect(trial.handle.waiting).to.equal(0)
    })

    it("gives back the other tasks of a batch when one is cancelled, and says nothing of that one", async () => {
      const trial = run(
        (n: number, ctx: TaskContext) => {
          if (n > 0) return n
          return new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve("heeded")))
        },
        [0, 1, 2],
      )
      await waitUntil(() => trial.told.some((what) => what.startsWith("started 0")))
      await sleep(50)
      trial.handle.cancel([0, 2], 200)
      await trial.whenClosed
      expect(trial.givenBack).to.deep.equal([1])
      expect([...trial.results.keys(), ...trial.ends.keys()]).to.deep.equal([])
    })

    it("ends a running task that does not heed its signal, where it says it can", async function () {
      if (!backend.supports.cancel) this.skip()
      const trial = run(() => new Promise(() => {}), [0, 1])
      await waitUntil(() => trial.told.some((what) => what.startsWith("started 0")))
      await sleep(50)
      trial.handle.cancel([0], 50)
      await trial.whenClosed
      expect(trial.givenBack).to.deep.equal([1])
      const after = run((n: number) => n, [5])
      await after.whenClosed
      expect(after.results.get(0)).to.equal(5)
    })

    it("closes twice, also with batches at work, and says of each what became of it or nothing", async () => {
      const other = make()
      await other.open(new AbortController().signal)
      const trial = new Trial(other, (n: number) => n, [1, 2, 3], {})
      await Promise.all([other.close(), other.close()])
      await other.close()
      await sleep(20)
      expect(trial.told.filter((what) => what === "closed").length).to.be.at.most(1)
    })
  })
}

let jobs = 0

/** One batch and all that was told of it. */
class Trial implements BatchEvents {
  /** What was told, in order and in words. */
  readonly told: string[] = []
  readonly results = new Map<number, unknown>()
  readonly ends = new Map<number, TaskEnd>()
  readonly times: { startedAtMs: number; endedAtMs: number }[] = []
  readonly logged: string[] = []
  readonly progressed: string[] = []
  readonly givenBack: number[] = []
  readonly handle: RunningBatch
  /** When all that will be told has been. */
  readonly whenClosed: Promise<void>
  readonly #captured: Captured
  #settle: (error?: Error) => void = () => {}

  constructor(backend: Backend, fn: AnyFunction, inputs: readonly unknown[], more: More) {
    this.whenClosed = new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
    })
    this.#captured = capture(fn, { sharesMemory: more.isolation === "thread" })
    const { shipment, codec } = this.#captured
    const { extraArgs, ...rest } = more
    const batch: TaskBatch = {
      jobId: `trial-${jobs++}`,
      shipment,
      seed: 0,
      env: {},
      timeoutMs: undefined,
      memoryMiB: undefined,
      indices: Uint32Array.from(inputs.keys()),
      attempts: undefined,
      inputs: codec.encodeEach(inputs, (i) => `inputs[${i}]`),
      extraArgs: extraArgs === undefined ? undefined : codec.encode(extraArgs, "extraArgs"),
      ...rest,
    }
    this.handle = backend.run(batch, this)
  }

  started(index: number, worker: string): void {
    this.told.push(`started ${index} on ${worker}`)
  }

  log(index: number, stream: string, text: string): void {
    this.logged.push(`${index} ${stream} ${text}`)
  }

  progress(index: number, fraction: number, note: string | undefined): void {
    this.progressed.push(`${index} ${fraction} ${note}`)
  }

  done(tasks: DoneTasks): void {
    const results = tasks.results.flatMap((segment) => this.#captured.codec.decodeEach(segment))
    results.forEach((result, i) => {
      const index = tasks.indices[i] ?? noTask
      if (index === noTask) return
      expect(this.results.has(index), `task ${index} told twice`).to.equal(false)
      this.told.push(`done ${index}`)
      this.results.set(index, result)
      this.times.push({ startedAtMs: tasks.startedAtMs[i] ?? 0, endedAtMs: tasks.endedAtMs[i] ?? 0 })
    })
  }

  ended(index: number, end: TaskEnd): void {
    this.told.push(`ended ${index}`)
    this.ends.set(index, end)
  }

  returned(indices: readonly number[]): void {
    this.told.push(`returned ${indices.join(" ")}`)
    this.givenBack.push(...indices)
  }

  closed(error?: Error): void {
    this.told.push("closed")
    this.#settle(error)
  }
}
