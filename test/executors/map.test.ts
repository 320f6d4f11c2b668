import { setTimeout as sleep } from "node:timers/promises"
import { inspect } from "node:util"
import { expect } from "chai"
import { onJob } from "../../kernel-ext/executors/observe.ts"
import {
  CancelledError,
  CaptureError,
  ConfigError,
  JobError,
  LocalhostExecutor,
  type TaskContext,
  TaskError,
} from "../../kernel-ext/index.ts"
import { failureOf } from "../support/failure.ts"

describe("LocalhostExecutor", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  describe("map", () => {
    it("gives the results in the order of the inputs", async () => {
      const inputs = Array.from({ length: 500 }, (_, i) => i)
      const results = await fexec.map((n: number) => n * 2, inputs)
      expect(results).to.deep.equal(inputs.map((n) => n * 2))
    })

    it("awaits functions that are async", async () => {
      const results = await fexec.map(
        async (n: number) => {
          await new Promise((resolve) => setTimeout(resolve, 5 * (3 - n)))
          return n + 1
        },
        [0, 1, 2],
      )
      expect(results).to.deep.equal([1, 2, 3])
    })

    it("gives an empty list for no inputs", async () => {
      expect(await fexec.map((n: number) => n, [])).to.deep.equal([])
    })

    it("runs in other processes than this one, as many as it has workers", async () => {
      const pids = await fexec.map(async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        return process.pid
      }, [1, 2, 3, 4, 5, 6])
      expect(new Set(pids).size).to.equal(2)
      expect(pids).to.not.include(process.pid)
    })

    it("reads any iterable, and async iterables as they come", async () => {
      function* some() {
        for (let i = 0; i < 10_000; i++) yield i
      }
      async function* slow() {
        for (const word of ["a", "b", "c"]) {
          await sleep(5)
          yield word
        }
      }
      const sum = (await fexec.map((n: number) => n, some())).reduce((a, b) => a + b, 0)
      expect(sum).to.equal(49_995_000)
      expect(await fexec.map((s: string) => s.toUpperCase(), slow())).to.deep.equal(["A", "B", "C"])
    })

    it("does not read an endless iterable further than its tasks need", async () => {
      let read = 0
      let ended = false
      function* endless() {
        try {
          for (;;) yield read++
        } finally {
          ended = true
        }
      }
      const job = fexec.map((n: number) => n, endless())
      let seen = 0
      for await (const _ of job) if (++seen === 100) break
      job.cancel()
      await job.settled()
      expect(read).to.be.lessThan(200_000)
      expect(ended).to.equal(true)
    })

    it("fails with what an iterable throws while it is read", async () => {
      function* broken() {
        yield 1
        throw new RangeError("no more of this")
      }
      const error = await failureOf(fexec.map((n: number) => n, broken()))
      expect(error.message).to.include("could not be read to their end: no more of this")
      expect(error.cause).to.be.instanceOf(RangeError)
    })

    it("takes promises as inputs, and tasks and jobs of earlier maps", async () => {
      const first = fexec.map((n: number) => n + 1, [1, 2, 3])
      const second = fexec.map((n: number) => n * 10, first.tasks)
      const third = fexec.map(
        (n: number) => n + 1,
        [Promise.resolve(1), second.tasks[2] as PromiseLike<number>],
      )
      expect(await second).to.deep.equal([20, 30, 40])
      expect(await third).to.deep.equal([2, 41])
    })

    it("fails the task whose input is a promise that rejects", async () => {
      const job = fexec.map((n: number) => n, [Promise.resolve(1), Promise.reject(new Error("upstream"))])
      const [good, bad] = await job.settled()
      expect(good).to.deep.equal({ status: "fulfilled", value: 1 })
      expect(String((bad as PromiseRejectedResult).reason)).to.include("The input of task 1 failed: upstream")
    })

    it("hands over extra arguments after the context", async () => {
      const results = await fexec.map(
        (n: number, _ctx, factor: number, add: { by: number }) => n * factor + add.by,
        [1, 2],
        {
          extraArgs: [10, { by: 5 }] as const,
        },
      )
      expect(results).to.deep.equal([15, 25])
    })

    it("sets the environment of the tasks, and takes it back for other jobs", async () => {
      const read = () => process.env.CELLFAN_TEST_VALUE ?? "unset"
      expect(await fexec.map(read, [1, 2, 3, 4], { env: { CELLFAN_TEST_VALUE: "yes" } })).to.include.members([
        "yes",
      ])
      expect(await fexec.map(read, [1, 2, 3, 4])).to.deep.equal(["unset", "unset", "unset", "unset"])
    })

    it("carries large binary inputs and results", async () => {
      const inputs = [1, 2, 3].map((n) => new Float64Array(500_000).fill(n))
      const results = await fexec.map((numbers: Float64Array) => numbers.map((x) => x + 1), inputs)
      expect(results.map((r) => [r.length, r[0], r.at(-1)])).to.deep.equal([
        [500_000, 2, 2],
        [500_000, 3, 3],
        [500_000, 4, 4],
      ])
    })

    it("gives each result as it was when its task ended, whatever later tasks do to the same object", async () => {
      const seen = await fexec.map(
        (n: number) => {
          const shared = globalThis as { numbers?: number[]; buffer?: Float64Array }
          shared.numbers ??= []
          shared.numbers[0] = n
          shared.buffer ??= new Float64Array(1000)
          shared.buffer.fill(n)
          return { numbers: shared.numbers, buffer: shared.buffer }
        },
        Array.from({ length: 50 }, (_, i) => i),
      )
      seen.forEach(({ numbers, buffer }, i) => {
        expect([numbers[0], buffer[0], buffer[999]]).to.deep.equal([i, i, i])
      })
    })

    it("runs no more tasks at once than `concurrency` says", async () => {
      const spans = await fexec.map(
        async () => {
          const from = Date.now()
          await new Promise((resolve) => setTimeout(resolve, 15))
          return [from, Date.now()] as const
        },
        [1, 2, 3, 4],
        { concurrency: 1 },
      )
      spans.sort((a, b) => a[0] - b[0])
      for (let i = 1; i < spans.length; i++) expect(spans[i]?.[0]).to.be.at.least(spans[i - 1]?.[1] ?? 0)
    })

    it("runs several jobs at once", async () => {
      const jobs = [1, 2, 3].map((k) =>
        fexec.map(
          (n: number) => n,
          Array.from({ length: 50 }, (_, i) => i * k),
        ),
      )
      const sums = (await Promise.all(jobs)).map((results) => results.reduce((a, b) => a + b, 0))
      expect(sums).to.deep.equal([1225, 2450, 3675])
    })
  })

  describe("callAsync", () => {
    it("runs one task", async () => {
      const task = fexec.callAsync((n: number) => n * 2, 21)
      expect(await task).to.equal(42)
      expect(task.state).to.equal("done")
      expect(task.stats.worker).to.match(/^localhost:\d+$/)
      expect(task.stats.runMs).to.be.at.least(0)
    })

    it("rejects with what the task threw, on its own stack", async () => {
      const task = fexec.callAsync(function thrower(n: number): number {
        throw new RangeError(`not ${n}`)
      }, 7)
      const error = await failureOf<TaskError>(task)
      expect(error).to.be.instanceOf(TaskError)
      expect(error.message).to.equal("Task 0 failed: RangeError: not 7")
      expect(error.details.remoteName).to.equal("RangeError")
      expect(error.stack).to.include("thrower")
      expect((error.cause as Error).message).to.equal("not 7")
    })
  })

  describe("a job", () => {
    it("gives its tasks as they complete", async () => {
      const job = fexec.map(
        async (ms: number) => {
          await new Promise((resolve) => setTimeout(resolve, ms))
          return ms
        },
        [150, 1],
      )
      const seen: number[] = []
      for await (const task of job) seen.push(await task)
      expect(seen).to.deep.equal([1, 150])
    })

    it("and its tasks say in a line how they are", async () => {
      const half = (n: number) => {
        if (n === 2) throw new RangeError("two")
        return n / 2
      }
      const job = fexec.map(half, [1, 2])
      await job.settled()
      expect(inspect(job)).to.equal(`Job ${job.id} \`half\` on LocalhostExecutor: 1 of 2 done, 1 failed`)
      expect(Array.from(job.tasks, (task) => inspect(task))).to.deep.equal([
        `Task 0 done (job ${job.id} \`half\`)`,
        `Task 1 failed: RangeError: two (job ${job.id} \`half\`)`,
      ])
    })

    it("rejects when all have settled, counts the failures and names the first", async () => {
      const job = fexec.map(
        (n: number) => {
          if (n % 2 === 1) throw new Error(`odd ${n}`)
          return n
        },
        [0, 1, 2, 3],
        { name: "evens" },
      )
      const error = await failureOf<JobError>(job)
      expect(error).to.be.instanceOf(JobError)
      expect(error.message).to.equal("2 of 4 tasks of `evens` failed (2 done). Task 1 failed: Error: odd 1")
      expect(error.errors.map((e) => (e as TaskError).index)).to.deep.equal([1, 3])
      expect(await job.tasks[2]).to.equal(2)
      expect((await job.settled()).map((outcome) => outcome.status)).to.deep.equal([
        "fulfilled",
        "rejected",
        "fulfilled",
        "rejected",
      ])
    })

    it("cancels the rest at the first failure when told to fail fast", async () => {
      const started = Date.now()
      const job = fexec.map(
        async (n: number) => {
          if (n === 0) throw new Error("first")
          await new Promise((resolve) => setTimeout(resolve, 10_000))
        },
        [0, 1, 2, 3],
        { failFast: true },
      )
      const error = await failureOf(job)
      expect(error).to.be.instanceOf(JobError)
      expect(Date.now() - started).to.be.lessThan(5000)
      expect(job.counts.cancelled).to.equal(3)
    })

    it("runs failed tasks again as often as `retries` says, and counts the attempts", async () => {
      const job = fexec.map(
        (n: number, ctx) => {
          if (ctx.attempt <= n) throw new Error("not yet")
          return ctx.attempt
        },
        [0, 1, 2],
        { retries: 2, backoffMs: 5 },
      )
      expect(await job).to.deep.equal([1, 2, 3])
      expect(job.stats().retries).to.equal(3)
    })

    it("runs only what failed again on retry", async () => {
      const job = fexec.map(
        (n: number, ctx) => {
          if (n === 1 && ctx.attempt === 1) throw new Error("once")
          return `${n} at ${ctx.attempt}`
        },
        [0, 1, 2],
      )
      await job.settled()
      expect(job.counts.failed).to.equal(1)
      expect(await job.retry()).to.deep.equal(["0 at 1", "1 at 2", "2 at 1"])
      expect(job.counts).to.include({ done: 3, failed: 0 })
    })

    it("can be cancelled: queued tasks at once, running ones by their signal", async () => {
      const job = fexec.map(
        async (_: number, ctx) => {
          await new Promise((resolve) => {
            const timer = setTimeout(resolve, 20_000)
            ctx.signal.addEventListener("abort", () => {
              clearTimeout(timer)
              resolve(undefined)
            })
          })
          return process.pid
        },
        Array.from({ length: 50 }, (_, i) => i),
      )
      await sleep(100)
      const workers = [job.tasks[0]?.stats.worker, job.tasks[1]?.stats.worker]
      job.cancel()
      expect(job.counts.cancelled).to.equal(50)
      const error = await failureOf(job)
      expect(error).to.be.instanceOf(CancelledError)
      expect(error.message).to.include("0 of 50 tasks were done")
      // Tasks that heed their signal cost no worker.
      const pids = await fexec.map(() => process.pid, [1, 2, 3, 4])
      expect(workers).to.include(`localhost:${pids[0]}`)
    })

    it("goes on without the one task that was cancelled", async () => {
      const job = fexec.map(
        async (ms: number) => {
          await new Promise((resolve) => setTimeout(resolve, ms))
          return ms
        },
        [30_000, 5, 6, 7, 8],
      )
      await sleep(50)
      job.tasks[0]?.cancel()
      const states = (await job.settled()).map((outcome) => outcome.status)
      expect(states).to.deep.equal(["rejected", "fulfilled", "fulfilled", "fulfilled", "fulfilled"])
      expect(job.tasks[0]?.error).to.be.instanceOf(CancelledError)
      expect(await job.tasks[4]).to.equal(8)
    })

    it("is cancelled by the signal it was given", async () => {
      const controller = new AbortController()
      const job = fexec.map(() => new Promise(() => {}), [1, 2, 3], { signal: controller.signal })
      setTimeout(() => controller.abort(), 30)
      expect(await failureOf(job)).to.be.instanceOf(CancelledError)
      expect(
        await failureOf(fexec.map((n: number) => n, [1], { signal: AbortSignal.abort() })),
      ).to.be.instanceOf(CancelledError)
    })

    it("tells views of the tasks that ended together at once, and of each", async () => {
      const told: number[][] = []
      const job = fexec.map(
        (n: number) => n,
        Array.from({ length: 10_000 }, (_, n) => n),
      )
      job.observe((indices) => told.push(Array.from(indices)))
      await job
      expect(told.length).to.be.below(1000)
      expect([...new Set(told.flat())].sort((a, b) => a - b)).to.deep.equal(await job)
      expect(told.at(-1)).to.deep.equal([])
    })

    it("tells views of all that a cancel ended at once", async () => {
      const job = fexec.map(
        () => new Promise(() => {}),
        Array.from({ length: 1000 }, (_, n) => n),
      )
      const told: number[] = []
      job.observe((indices) => told.push(indices.length))
      job.cancel()
      await job.settled()
      expect(told.filter((count) => count > 0)).to.deep.equal([1000])
    })

    it("is announced to views within the call of map, and shows each task's life", async () => {
      const seen: string[] = []
      const stop = onJob((job) => {
        seen.push(`${job.executor} ${job.backend} ${job.name} ${job.size}`)
        job.observe((indices) => {
          if (indices[0] === 0) seen.push(job.describe(0)?.state ?? "?")
        })
      })
      const job = fexec.map(
        async function described(n: number, ctx) {
          ctx.progress(0.5, "half")
          await new Promise((resolve) => setTimeout(resolve, 30))
          console.log("said", n)
          return { n }
        },
        [5],
      )
      expect(seen[0]).to.equal("LocalhostExecutor localhost described 1")
      await job
      stop()
      expect(seen.slice(1)).to.include.members(["running", "done"])
      expect(job.describe(0)).to.deep.include({
        index: 0,
        state: "done",
        attempt: 1,
        input: "5",
        result: "{ n: 5 }",
        progress: { fraction: 0.5, note: "half" },
        logs: [{ stream: "stdout", text: "said 5\n" }],
      })
      expect(job.describe(1)).to.equal(undefined)
    })

    it("does not reject unhandled when nobody looks, and still tells who asks later", async () => {
      const rejections: unknown[] = []
      const note = (reason: unknown) => rejections.push(reason)
      process.on("unhandledRejection", note)
      const job = fexec.map(() => {
        throw new Error("unseen")
      }, [1])
      await job.settled()
      await sleep(20)
      process.off("unhandledRejection", note)
      expect(rejections).to.deep.equal([])
      expect(job.counts.failed).to.equal(1)
      expect(await failureOf(job)).to.be.instanceOf(JobError)
    })
  })

  describe("the context", () => {
    it("says which task it is", async () => {
      const results = await fexec.map(
        (_: string, ctx) => [ctx.index, ctx.attempt, typeof ctx.jobId],
        ["a", "b"],
      )
      expect(results).to.deep.equal([
        [0, 1, "string"],
        [1, 1, "string"],
      ])
    })

    it("gives the same random numbers on any number of workers, in any batch size", async () => {
      const draw = (_: number, ctx: { random(): number }) => [ctx.random(), ctx.random()]
      const inputs = Array.from({ length: 64 }, (_, i) => i)
      const one = new LocalhostExecutor({ workers: 1 })
      const alone = await one.map(draw, inputs, { seed: 7, chunkSize: 1 })
      await one.close()
      expect(await fexec.map(draw, inputs, { seed: 7 })).to.deep.equal(alone)
      expect(await fexec.map(draw, inputs, { seed: 8 })).to.not.deep.equal(alone)
      expect(new Set(alone.flat()).size).to.equal(128)
    })
  })

  describe("console output", () => {
    it("belongs to the task that wrote it, also from timers and promises", async () => {
      const job = fexec.map(
        async (n: number) => {
          console.log(`begin ${n}`)
          await new Promise((resolve) => setTimeout(resolve, 10))
          console.error(`end ${n}`)
        },
        [0, 1, 2],
      )
      await job
      for (const task of job.tasks)
        expect(task.logs).to.deep.equal([
          { stream: "stdout", text: `begin ${task.index}\n` },
          { stream: "stderr", text: `end ${task.index}\n` },
        ])
    })

    it("arrives while the task still runs, also from one that never lets go of its worker", async () => {
      const job = fexec.map(() => {
        console.log("early")
        const until = Date.now() + 400
        while (Date.now() < until) {}
        return until
      }, [1])
      const task = job.tasks[0]
      for (let i = 0; i < 100 && task?.logs.length === 0; i++) await sleep(3)
      expect(task?.state).to.equal("running")
      expect(task?.logs).to.deep.equal([{ stream: "stdout", text: "early\n" }])
      await job
    })
  })

  describe("refuses before anything runs", () => {
    it("options it does not know, naming the nearest it does", () => {
      expect(() => new LocalhostExecutor({ wokers: 4 } as object)).to.throw(
        ConfigError,
        /did you mean `workers`/,
      )
      expect(() => new LocalhostExecutor({ workers: 0 })).to.throw(ConfigError, /workers/)
      expect(() => fexec.map((n: number) => n, [1], { retires: 1 } as object)).to.throw(
        ConfigError,
        /`retries`/,
      )
    })

    it("a function of more arguments than it is given", () => {
      const scaled = (n: number, _: TaskContext, by: number) => n * by
      expect(() => fexec.map(scaled, [1])).to.throw(
        TypeError,
        "map was given a function of 3 arguments, but it is called with 2: its input, the task's context; further ones come from the option `extraArgs`.",
      )
      expect(() => fexec.map(scaled, [1], { extraArgs: [] as never })).to.throw(
        TypeError,
        "and 0 by the option",
      )
    })

    it("what is no function, no iterable or no signal", () => {
      expect(() => fexec.map(42 as never, [1])).to.throw(TypeError, "map takes a function, but got number.")
      expect(() => fexec.map((x: number) => x, 5 as never)).to.throw(
        TypeError,
        "map takes an array, an iterable or an async iterable of inputs, but got 5.",
      )
      expect(() => fexec.map((n: number) => n, 42 as never)).to.throw(TypeError, /iterable/)
      expect(() => fexec.map((n: number) => n, [1], { signal: 1 as never })).to.throw(
        TypeError,
        /AbortSignal/,
      )
    })

    it("work after it was closed", async () => {
      const closed = new LocalhostExecutor({ workers: 1 })
      await closed.close()
      await closed.close()
      expect(() => closed.map((n: number) => n, [1])).to.throw(TypeError, /closed/)
    })
  })

  it("fails the tasks whose input or result cannot be sent, and only those", async () => {
    const job = fexec.map(
      (n: unknown) => (n === 2 ? Symbol.iterator && new WeakMap() : n),
      [1, 2, new WeakSet(), 4],
    )
    const outcomes = await job.settled()
    expect(outcomes.map((outcome) => outcome.status)).to.deep.equal([
      "fulfilled",
      "rejected",
      "rejected",
      "fulfilled",
    ])
    expect(job.tasks[2]?.error).to.be.instanceOf(CaptureError)
    expect(job.tasks[2]?.error?.message).to.include("inputs[2]")
    expect(job.tasks[1]?.error?.message).to.include("CaptureError")
  })

  it("cancels what runs when it is closed", async () => {
    const mine = new LocalhostExecutor({ workers: 1 })
    const job = mine.map(() => new Promise(() => {}), [1, 2])
    await sleep(150)
    await mine.close()
    expect(await failureOf(job)).to.be.instanceOf(CancelledError)
  })
})
