import type { FollowedEvents, FollowedJob, Place } from "../backends/standalone/follow.ts"
import { kernelAccess, knownPools } from "../backends/standalone/head/identity.ts"
import { capture } from "../capture/capture.ts"
import { configuration } from "../config/load.ts"
import { jobOptions, type StandaloneOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { Flight } from "./flight.ts"
import { Job } from "./job.ts"
import { JobCore } from "./job-core.ts"
import type { JobHost } from "./job-spec.ts"
import { announceJob } from "./observe.ts"
import { ChunkSizer } from "./partition.ts"
import { poolSettings } from "./standalone.ts"

/** A job that another process has started, as its queue keeps it; executors/attach.ts finds those of this process. */

/** How long cancelled tasks may take to notice their signal. */
const cancelGraceMs = 500

/** What it is asked for before anything of it is known: a task takes its place when it is. */
export function attachTo<R>(jobId: string, options: StandaloneOptions = {}): Job<R> {
  const places = placesFor(options)
  if (places.length === 0) throw unknownJob(jobId)
  const host = new Follower(places)
  // Stands in for the function, which stays where it is: results are read without it.
  const fn = function attached(): void {}
  const captured = capture(fn)
  const core = new JobCore({
    id: jobId,
    name: `job ${jobId}`,
    captured: { ...captured, codec: captured.untrusted },
    inputs: elsewhere,
    options: parseOptions(jobOptions, { lostRetries: 0 }, "attach"),
    extraArgs: undefined,
    host,
    cache: undefined,
  })
  const place = { executor: "StandaloneExecutor", backend: "standalone", workers: 1 }
  const job = new Job<R>(core, place, fn)
  void host.follow(core)
  announceJob(job)
  return job
}

/** How many there are is told by the queue, as far as it is known there. */
const elsewhere: AsyncIterable<undefined> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
}

/** No job has so many: what an agent says of further ones is nothing to make room for. */
const maxTasks = 2 ** 24

/** Brings a job what its queue says of it. It sends nothing itself. */
class Follower implements JobHost {
  readonly noRetry =
    "The tasks of a job that another process has started cannot be run again from here: run its map again, with `cache: true` what is done is not computed twice."
  #job: FollowedJob | undefined
  readonly #places: readonly Place[]
  #isOver = false
  /** Whether a cancel is what the queue has told, and so is nothing to tell it. */
  #isTold = false

  constructor(places: readonly Place[]) {
    this.#places = places
  }

  async follow(core: JobCore): Promise<void> {
    const { FollowedJob } = await import("../backends/standalone/follow.ts")
    const job = await FollowedJob.find(this.#places, core.id).catch((error: Error) => error)
    if (job === undefined || job instanceof Error) {
      core.inputError = job ?? unknownJob(core.id)
      core.cancel()
      return
    }
    this.#job = job
    if (this.#isOver) {
      // It was cancelled before it was found.
      await job.cancel(cancelGraceMs).finally(() => job.close())
      return
    }
    core.know(job.record.total, false)
    await job.follow(this.#eventsFor(core)).catch((error: Error) => failAll(core, error))
    if (this.#isOver) await job.close()
  }

  wake(): void {}

  endRunning(_: JobCore, indices: readonly number[] | undefined): void {
    if (!this.#isTold) this.#job?.cancel(cancelGraceMs, indices).catch(() => {})
  }

  settled(): void {
    this.#isOver = true
    void this.#job?.close()
  }

  #eventsFor(core: JobCore): FollowedEvents {
    const active = { core, sizer: new ChunkSizer(1), concurrency: 1, inFlight: 0 }
    const flight = new Flight(active, new Uint32Array(0))
    const total = (count: number) => {
      if (count > core.table.size && count <= maxTasks) core.know(count, false)
    }
    return {
      total,
      started(index, worker, atMs) {
        total(index + 1)
        flight.started(index, worker, atMs)
      },
      log: (index, stream, text) => flight.log(index, stream, text),
      progress: (index, fraction, note) => flight.progress(index, fraction, note),
      done(tasks) {
        total(tasks.indices.reduce((most, index) => Math.max(most, index + 1), 0))
        flight.done(tasks)
      },
      ended(index, end) {
        total(index + 1)
        flight.ended(index, end)
      },
      returned: (indices) => flight.returned(indices, false),
      retried(index) {
        core.table.attempts[index] = (core.table.attempts[index] ?? 1) + 1
        flight.returned([index], false)
      },
      whole: () => core.know(core.table.size, true),
      over: () => {
        this.#isTold = true
        core.know(core.table.size, true)
        core.cancel()
      },
    }
  }
}

function failAll(core: JobCore, error: Error): void {
  core.know(core.table.size, true)
  for (let index = 0; index < core.table.size; index++) core.failedHere(index, error)
}

/** Where a job may be: what options or the configuration name, then the pools that this user's kernels brought up. */
export function placesFor(options: StandaloneOptions): Place[] {
  const { access, pool } = poolSettings(configuration(), options, "attach")
  if (access !== undefined) return [{ access, pool }]
  const places: Place[] = []
  for (const identity of knownPools()) {
    const { address } = identity
    if (address === undefined || (options.pool !== undefined && identity.pool !== options.pool)) continue
    places.push({ access: kernelAccess(identity, address.kernel), pool: identity.pool })
  }
  return places
}

function unknownJob(jobId: string): RangeError {
  return new RangeError(
    `There is no job ${jobId}. Jobs on machines are kept by their queue for a day; name it by the option \`nats\` if it is none that this user's kernels started. A job of local workers ends with the process that started it; its results are kept where it ran with \`cache: true\`.`,
  )
}
