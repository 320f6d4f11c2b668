import type { JobRecord } from "../../protocol/queue.ts"
import type { TaskBatch } from "../backend.ts"
import type { Queue } from "./queue/queue.ts"

/** How often it is kept that a job has more tasks. */
const recordEveryMs = 1000

/** What others need to find a kernel's jobs, kept with their results: again when there are more tasks, but not at every one, and at their end. */
export class JobRecords {
  readonly #queue: Queue
  readonly #session: string
  /** Jobs as they are now, and as they were last kept. */
  readonly #current = new Map<string, JobRecord>()
  readonly #kept = new Map<string, JobRecord>()
  #timer: NodeJS.Timeout | undefined

  constructor(queue: Queue, session: string) {
    this.#queue = queue
    this.#session = session
  }

  /** A batch of it is about to be sent. */
  note({ jobId, job }: TaskBatch): void {
    if (job === undefined) return
    const known = this.#current.get(jobId)
    if (known?.total === job.total) return
    const { name, total, startedAtMs } = job
    const record: JobRecord = {
      version: 1,
      jobId,
      session: this.#session,
      name,
      total,
      startedAtMs: this.#queue.clock.onWire(startedAtMs),
    }
    this.#current.set(jobId, record)
    if (known === undefined) this.#keep(record)
    else this.#timer ??= setTimeout(() => this.#keepAll(), recordEveryMs)
  }

  /** Whoever attaches to it from now on does not wait for tasks that were cancelled here. */
  end(jobId: string): void {
    const record = this.#current.get(jobId)
    if (record !== undefined) this.#keep({ ...record, end: "settled" })
    this.#current.delete(jobId)
    this.#kept.delete(jobId)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #keepAll(): void {
    this.#timer = undefined
    for (const record of this.#current.values()) this.#keep(record)
  }

  #keep(record: JobRecord): void {
    if (this.#kept.get(record.jobId) === record) return
    this.#kept.set(record.jobId, record)
    // Its tasks' results do not depend on it.
    this.#queue.recordJob(record).catch(() => {})
  }
}
