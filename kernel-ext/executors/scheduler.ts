import type { Backend } from "../backends/backend.ts"
import { batchOf, encodeInputs, sizeOf, toError } from "./batch.ts"
import { type ActiveJob, Flight } from "./flight.ts"
import type { JobCore } from "./job-core.ts"
import type { JobHost } from "./job-spec.ts"
import { ChunkSizer } from "./partition.ts"
import { Rebalancer } from "./rebalance.ts"
import { StragglerWatch } from "./stragglers.ts"
import type { Taken } from "./task-queue.ts"

/** Batches in flight for each worker: one runs while the next one is already there. */
const batchesPerWorker = 2

/** Batches that are handed over ahead in one turn of the event loop. */
const aheadAtOnce = 32

/** How long a cancelled task may take to notice its signal before its worker is replaced. */
const cancelGraceMs = 500

/** Functions whose task times are remembered for the next map. */
const maxKnownFunctions = 128

/** Hands the tasks of all jobs of an executor to its backend, and what comes back to the jobs. */
export class Scheduler implements JobHost {
  readonly #backend: Backend
  readonly #active = new Map<JobCore, ActiveJob>()
  /** By function hash. */
  readonly #known = new Map<string, ChunkSizer>()
  readonly #flights = new Set<Flight>()
  readonly #rebalancer: Rebalancer
  readonly #stragglers: StragglerWatch
  readonly #closing = new AbortController()
  #pumping = false
  #sendingAhead = false
  #opening: Promise<void> | undefined
  #isOpen = false

  constructor(backend: Backend) {
    this.#backend = backend
    this.#rebalancer = new Rebalancer(backend, this.#flights)
    this.#stragglers = new StragglerWatch(
      () => [...this.#active.keys()].filter((core) => core.options.backupAfter !== undefined),
      (core, index) => this.#copy(core, index),
    )
  }

  wake(core: JobCore): void {
    if (!this.#active.has(core) && !core.isSettled) {
      const { chunkSize, concurrency = Number.POSITIVE_INFINITY } = core.options
      const known = this.#known.get(core.captured.shipment.hash)
      const sizer = new ChunkSizer(chunkSize, known, this.#backend.batchMs)
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

  /** The backend has given back what it held: what comes next opens it anew. */
  cleaned(): void {
    this.#isOpen = false
    this.#opening = undefined
  }

  /** Cancels what is left, and ends the backend. */
  async close(): Promise<void> {
    for (const core of [...this.#active.keys()]) core.cancel()
    this.#closing.abort()
    this.#rebalancer.close()
    this.#stragglers.close()
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
        for (const core of [...this.#active.keys()])
          for (let index = 0; index < core.table.size; index++) core.failedHere(index, toError(error))
      },
    )
  }

  #pump(): void {
    // What a job is told may make it ask for more; that is done by the loop that runs already.
    if (this.#pumping) return
    this.#pumping = true
    try {
      const limit = batchesPerWorker * this.#backend.workers
      const ahead = this.#backend.ahead ?? 0
      // What one job has handed over ahead keeps no other from beginning.
      while (this.#sendNext((job) => (ahead > 0 ? job.inFlight : this.#flights.size) < limit)) {}
      this.#sendAhead(limit + ahead)
    } finally {
      this.#pumping = false
    }
    this.#rebalancer.look()
    this.#stragglers.look()
  }

  /** Hands over what the backend keeps for later, a part at a time, so that this process stays responsive. */
  #sendAhead(limit: number): void {
    if (this.#sendingAhead) return
    for (let sent = 0; this.#flights.size < limit; sent++) {
      if (sent === aheadAtOnce) {
        this.#sendingAhead = true
        setImmediate(() => {
          this.#sendingAhead = false
          this.#pump()
        })
        return
      }
      if (!this.#sendNext((job) => job.sizer.isSure)) return
    }
  }

  /** Sends one batch, of the job that has the fewest in flight. False where nothing can be sent. */
  #sendNext(fits: (job: ActiveJob) => boolean): boolean {
    const candidates = [...this.#active.values()].filter((job) => job.inFlight < job.concurrency && fits(job))
    if (candidates.length > 1) candidates.sort((a, b) => a.inFlight - b.inFlight)
    return candidates.some((job) => this.#send(job))
  }

  #send(active: ActiveJob): boolean {
    const { core, sizer } = active
    const workers = Math.min(this.#backend.workers, active.concurrency)
    const taken = core.take(sizer.next(Math.max(1, core.ready), workers))
    if (taken.indices.length === 0) return false
    this.#launch(active, taken)
    return true
  }

  #launch(active: ActiveJob, taken: Taken): void {
    const { core, sizer } = active
    const inputs = encodeInputs(core, taken)
    if (inputs === undefined) return
    const indices = Uint32Array.from(taken.indices)
    const flight = new Flight(active, indices, (changed, isOver) => {
      // What has come back can be sent again at once; but not before its backend has put its own books in order.
      if (!isOver) return queueMicrotask(() => this.#pump())
      this.#flights.delete(changed)
      this.#pump()
    })
    this.#flights.add(flight)
    core.newestFlight = flight
    active.inFlight++
    const bytes = sizeOf(inputs)
    core.sent(indices, bytes)
    sizer.weighed(indices.length, bytes)
    flight.handle = this.#backend.run(batchOf(core, indices, inputs), flight)
  }

  /** A second run of a task that takes long, if a worker is free for it. */
  #copy(core: JobCore, index: number): void {
    const active = this.#active.get(core)
    if (active === undefined || this.#backend.idle === 0) return
    core.copies.add(index)
    this.#launch(active, { indices: [index], values: [core.inputs.get(index)] })
  }
}
