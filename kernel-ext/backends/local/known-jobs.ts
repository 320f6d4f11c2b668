import type { BatchEvents } from "../backend.ts"

/** Output of timers that outlive their tasks finds its way to so many jobs that have settled; more would stay in memory. */
const keptSettled = 16

interface KnownJob {
  readonly key: number
  /** Of its newest batch: who hears what comes for the job, and not for a batch. */
  events: BatchEvents | undefined
  /** The same once it has settled: only whoever holds the job can still read what comes, and its results are not ours to keep. */
  late: WeakRef<BatchEvents> | undefined
}

/** The jobs of a backend, and the numbers that workers know them by. */
export class KnownJobs {
  readonly #byId = new Map<string, KnownJob>()
  readonly #byKey = new Map<number, KnownJob>()
  /** Ids, in the order they settled. */
  readonly #settled = new Set<string>()
  #nextKey = 1

  /** Notes a batch of the job. Returns the job's number. */
  enter(jobId: string, events: BatchEvents): number {
    const known = this.#byId.get(jobId)
    if (known !== undefined) {
      known.events = events
      // It was retried.
      this.#settled.delete(jobId)
      return known.key
    }
    const job: KnownJob = { key: this.#nextKey++, events, late: undefined }
    this.#byId.set(jobId, job)
    this.#byKey.set(job.key, job)
    return job.key
  }

  /** Returns the job's number, if it had batches. */
  settled(jobId: string): number | undefined {
    const job = this.#byId.get(jobId)
    if (job === undefined) return undefined
    if (job.events !== undefined) job.late = new WeakRef(job.events)
    job.events = undefined
    this.#settled.add(jobId)
    const [oldest] = this.#settled
    if (this.#settled.size > keptSettled && oldest !== undefined) this.#drop(oldest)
    return job.key
  }

  eventsOf(key: number): BatchEvents | undefined {
    const job = this.#byKey.get(key)
    return job?.events ?? job?.late?.deref()
  }

  #drop(jobId: string): void {
    const job = this.#byId.get(jobId)
    this.#settled.delete(jobId)
    this.#byId.delete(jobId)
    if (job === undefined) return
    this.#byKey.delete(job.key)
  }
}
