import { performance } from "node:perf_hooks"
import type {
  Backend,
  BatchEvents,
  DoneTasks,
  RunningBatch,
  TaskBatch,
  TaskEnd,
} from "../backends/backend.ts"
import type { Encoded } from "../capture/types.ts"
import { cancelGraceMs, type JobCore, type JobHost, type Taken } from "./job-core.ts"
import { ChunkSizer } from "./partition.ts"
import { stragglersOf } from "./stragglers.ts"

/** Batches in flight for each worker: one runs while the next one is already there. */
const batchesPerWorker = 2

/** Taking tasks back from a worker pays if they would wait at least this long. */
const worthTakingBackMs = 2

/** How soon to look again whether waiting tasks are worth taking back. */
const lookAgainMs = 10

const lookForStragglersMs = 50

/** Functions whose task times are remembered for the next map. */
const maxKnownFunctions = 128

/** A job that has tasks to wait for. */
interface ActiveJob {
  readonly core: JobCore
  readonly sizer: ChunkSizer
  readonly concurrency: number
  /** Batches with the backend now. */
  inFlight: number
}

/** Hands the tasks of all jobs of an executor to its backend, and what comes back to the jobs. */
export class Scheduler implements JobHost {
  readonly #backend: Backend
  readonly #active = new Map<JobCore, ActiveJob>()
  /** By function hash. */
  readonly #known = new Map<string, ChunkSizer>()
  readonly #flights = new Set<Flight>()
  #pumping = false
  #opening: Promise<void> | undefined
  #isOpen = false
  #lookAgain: NodeJS.Timeout | undefined
  #stragglerTimer: NodeJS.Timeout | undefined
  readonly #closing = new AbortController()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  wake(core: JobCore): void {
    if (!this.#active.has(core) && !core.isSettled) {
      const { chunkSize, concurrency = Number.POSITIVE_INFINITY } = core.options
      const sizer = new ChunkSizer(chunkSize, this.#known.get(core.captured.shipment.hash))
      this.#active.set(core, { core, sizer, concurrency, inFlight: 0 })
    }
    if (this.#isOpen) this.#pump()
    else this.#open()
  }

  endRunning(job: JobCore, indices: readonly number[] | undefined): void {
    for (const flight of [...this.#flights])
      if (flight.job === job) flight.handle?.cancel(indices ?? [...flight.indices], cancelGraceMs)
  }

  settled(job: JobCore): void {
    const sizer = this.#active.get(job)?.sizer
    this.#active.delete(job)
    const { hash } = job.captured.shipment
    this.#known.delete(hash)
    if (sizer !== undefined) this.#known.set(hash, sizer)
    const [oldest] = this.#known.keys()
    if (this.#known.size > maxKnownFunctions && oldest !== undefined) this.#known.delete(oldest)
    this.#backend.forget(job.id)
  }

  /** Cancels what is left, and ends the backend. */
  async close(): Promise<void> {
    for (const { core } of [...this.#active.values()]) core.cancel()
    this.#closing.abort()
    clearTimeout(this.#lookAgain)
    clearTimeout(this.#stragglerTimer)
    await this.#backend.close()
  }

  #open(): void {
    this.#opening ??= this.#backend.open(this.#closing.signal).then(
      () => {
        this.#isOpen = true
        this.#pump()
      },
      (error: unknown) => {
        this.#opening = undefined
        for (const { core } of [...this.#active.values()]) failAll(core, toError(error))
      },
    )
  }

  #pump(): void {
    // What a job is told may make it ask for more; that is done by the loop that runs already.
    if (this.#pumping) return
    this.#pumping = true
    try {
      const limit = batchesPerWorker * this.#backend.workers
      while (this.#flights.size < limit && this.#sendNext()) {}
    } finally {
      this.#pumping = false
    }
    this.#rebalance()
    this.#watchStragglers()
  }

  /** Runs second copies of tasks that take much longer than others, where the job asks for it and workers are free. */
  #watchStragglers(): void {
    if (this.#stragglerTimer !== undefined) return
    const watched = [...this.#active.values()].filter(({ core }) => core.options.backupAfter !== undefined)
    if (watched.length === 0) return
    for (const active of watched)
      for (const index of stragglersOf(active.core, active.core.options.backupAfter ?? 0, Date.now())) {
        if (this.#backend.idle === 0) break
        active.core.copies.add(index)
        this.#launch(active, { indices: [index], values: [active.core.inputs.get(index)] })
      }
    this.#stragglerTimer = setTimeout(() => {
      this.#stragglerTimer = undefined
      this.#watchStragglers()
    }, lookForStragglersMs)
    this.#stragglerTimer.unref()
  }

  /** Sends one batch, of the job that has the fewest in flight. False where nothing can be sent. */
  #sendNext(): boolean {
    const candidates = [...this.#active.values()].filter((job) => job.inFlight < job.concurrency)
    if (candidates.length > 1) candidates.sort((a, b) => a.inFlight - b.inFlight)
    return candidates.some((job) => this.#send(job))
  }

  #send(active: ActiveJob): boolean {
    const { core, sizer } = active
    const workers = Math.min(this.#backend.workers, active.concurrency)
    const taken = core.take(sizer.next(Math.max(1, core.ready), workers))
    if (taken.indices.length === 0) return false
    return this.#launch(active, taken)
  }

  #launch(active: ActiveJob, taken: Taken): boolean {
    const { core, sizer } = active
    const inputs = this.#encode(core, taken)
    if (inputs === undefined) return true
    const flight = new Flight(active, Uint32Array.from(taken.indices), this)
    this.#flights.add(flight)
    active.inFlight++
    const bytes = sizeOf(inputs)
    core.bytesIn += bytes
    sizer.weighed(taken.indices.length, bytes)
    const { seed, env, timeoutMs, memoryMiB } = core.options
    const batch: TaskBatch = {
      jobId: core.id,
      shipment: core.captured.shipment,
      seed,
      env,
      timeoutMs,
      memoryMiB,
      indices: flight.indices,
      attempts: attemptsOf(core, taken.indices),
      inputs,
      extraArgs: core.extraArgs,
    }
    flight.handle = this.#backend.run(batch, flight)
    return true
  }

  /** Undefined where an input could not be sent: its task has failed, and the others are queued again. */
  #encode(job: JobCore, { indices, values }: Taken): Encoded | undefined {
    const { codec } = job.captured
    try {
      return codec.encodeEach(values, (i) => `inputs[${indices[i]}]`)
    } catch (error) {
      const sendable = indices.filter((index, i) => {
        try {
          codec.encodeEach([values[i]], () => `inputs[${index}]`)
          return true
        } catch (reason) {
          job.failedHere(index, toError(reason))
          return false
        }
      })
      // Each can be sent alone and all cannot be sent together: none of them would ever get further.
      if (sendable.length === indices.length)
        for (const index of sendable) job.failedHere(index, toError(error))
      else job.returned(sendable, false)
      return undefined
    }
  }

  landed(flight: Flight): void {
    this.#flights.delete(flight)
    this.#pump()
  }

  /** Workers that have nothing to do take over what waits behind others. */
  #rebalance(): void {
    if (!this.#backend.supports.takeBack || this.#flights.size === 0 || this.#lookAgain !== undefined) return
    let idle = this.#backend.idle
    if (idle === 0) return
    let later = false
    const waiting = [...this.#flights].filter(
      (flight) => (flight.handle?.waiting ?? 0) > 0 && !flight.takenBack,
    )
    waiting.sort((a, b) => b.waitingMs - a.waitingMs)
    for (const flight of waiting) {
      if (idle === 0) break
      if (flight.waitingMs < worthTakingBackMs && flight.silentMs < lookAgainMs) {
        later = true
        continue
      }
      idle--
      flight.takenBack = true
      flight.handle?.takeBack()
    }
    if (!later) return
    this.#lookAgain = setTimeout(() => {
      this.#lookAgain = undefined
      this.#rebalance()
    }, lookAgainMs)
    this.#lookAgain.unref()
  }
}

/** A batch on its way, and the ear for what its backend tells. */
class Flight implements BatchEvents {
  readonly job: JobCore
  readonly indices: Uint32Array
  handle: RunningBatch | undefined
  takenBack = false
  readonly #active: ActiveJob
  readonly #sizer: ChunkSizer
  readonly #scheduler: Scheduler
  #heardAtMs = performance.now()

  constructor(active: ActiveJob, indices: Uint32Array, scheduler: Scheduler) {
    this.job = active.core
    this.#active = active
    this.#sizer = active.sizer
    this.indices = indices
    this.#scheduler = scheduler
  }

  /** How long its last task would wait, as far as is known. */
  get waitingMs(): number {
    const { meanMs } = this.#sizer
    return meanMs === undefined ? this.silentMs : (this.handle?.waiting ?? 0) * meanMs
  }

  get silentMs(): number {
    return performance.now() - this.#heardAtMs
  }

  started(index: number, worker: string, atMs: number): void {
    this.job.started(index, worker, atMs)
  }

  log(index: number, stream: "stdout" | "stderr", text: string): void {
    this.job.logged(index, stream, text)
  }

  progress(index: number, fraction: number, note: string | undefined): void {
    this.job.reported(index, { fraction, note })
  }

  done(tasks: DoneTasks): void {
    const count = tasks.indices.length
    this.#heardAtMs = performance.now()
    const firstAt = tasks.startedAtMs[0] ?? 0
    const lastAt = tasks.endedAtMs[count - 1] ?? 0
    this.#sizer.took(count, Math.max(0, lastAt - firstAt))
    const bytes = tasks.results.reduce((sum, segment) => sum + sizeOf(segment), 0)
    this.job.bytesOut += bytes
    this.#sizer.weighed(count, bytes)
    this.job.done(tasks, this.#decode(tasks))
  }

  ended(index: number, end: TaskEnd): void {
    this.#heardAtMs = performance.now()
    if (end.kind === "threw") this.#sizer.took(1, end.endedAtMs - end.startedAtMs)
    this.job.ended(index, end)
  }

  returned(indices: readonly number[], suspect: boolean): void {
    this.job.returned(indices, suspect)
  }

  closed(error?: Error): void {
    if (error !== undefined) for (const index of this.indices) this.job.failedHere(index, error)
    this.#active.inFlight--
    this.#scheduler.landed(this)
  }

  /** Results that cannot be read fail their tasks; with `[]` none of them is taken for done. */
  #decode(tasks: DoneTasks): readonly unknown[] {
    try {
      const { codec } = this.job.captured
      const [first, ...more] = tasks.results
      if (first === undefined) return []
      const values = codec.decodeEach(first)
      return more.length === 0 ? values : values.concat(...more.map((segment) => codec.decodeEach(segment)))
    } catch (error) {
      const wrapped = new Error("The result could not be read.", { cause: error })
      for (const index of tasks.indices) this.job.failedHere(index, wrapped)
      return []
    }
  }
}

function attemptsOf(job: JobCore, indices: readonly number[]): Uint16Array | undefined {
  const { attempts } = job.table
  if (indices.every((index) => attempts[index] === 1)) return undefined
  return Uint16Array.from(indices, (index) => attempts[index] ?? 1)
}

function sizeOf({ bytes, blobs }: Encoded): number {
  let total = bytes.byteLength
  for (const blob of blobs) total += blob.byteLength
  return total
}

function failAll(job: JobCore, error: Error): void {
  for (let index = 0; index < job.table.size; index++) job.failedHere(index, error)
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
}
