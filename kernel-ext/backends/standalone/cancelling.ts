import type { Order } from "../../protocol/queue.ts"
import type { Queue } from "./queue/queue.ts"
import type { StandaloneRun } from "./run.ts"

/** An order may be lost with its link: it is said again so often, a second apart. */
const orderTimes = 3
const orderEveryMs = 1000

/** An order is one message. */
const batchesPerOrder = 5000

export interface CancellingOwner {
  readonly queue: Queue | undefined
  /** Whether a job has batches that are not over. */
  isUnderWay(jobId: string): boolean
  /** Resolves when the server has, or has refused, the batches that are on their way to it. */
  published(): Promise<void>
  /** Takes what waits of a job out of the queue. */
  purge(queue: Queue, jobId: string): Promise<unknown>
}

/** Cancels batches wherever they are: with agents, in the queue, or on their way there. */
export class Cancelling {
  readonly #owner: CancellingOwner
  /** Batches by job, of which all is cancelled. */
  readonly #batches = new Map<string, string[]>()
  readonly #purging = new Set<Promise<void>>()
  readonly #repeats = new Set<NodeJS.Timeout>()

  constructor(owner: CancellingOwner) {
    this.#owner = owner
  }

  cancel(run: StandaloneRun, indices: readonly number[] | undefined, graceMs: number): void {
    if (indices !== undefined) {
      this.#orderOften({ type: "cancel", batches: [run.id], indices, graceMs })
      return
    }
    // A job is cancelled batch by batch, and there may be thousands: looked at when they all were.
    const batches = this.#batches.get(run.jobId)
    if (batches !== undefined) {
      batches.push(run.id)
      return
    }
    this.#batches.set(run.jobId, [run.id])
    queueMicrotask(() => this.#cancelled(run.jobId, graceMs))
  }

  /** Resolves when nothing is being taken out of the queue any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#purging)
  }

  close(): void {
    for (const timer of this.#repeats) clearTimeout(timer)
  }

  #cancelled(jobId: string, graceMs: number): void {
    const batches = this.#batches.get(jobId) ?? []
    this.#batches.delete(jobId)
    const { queue } = this.#owner
    if (queue === undefined) return
    for (let at = 0; at < batches.length; at += batchesPerOrder)
      this.#orderOften({ type: "cancel", batches: batches.slice(at, at + batchesPerOrder), graceMs })
    if (this.#owner.isUnderWay(jobId)) return
    const purging = this.#owner
      .published()
      .then(() => this.#owner.purge(queue, jobId))
      .then(
        () => {},
        () => {},
      )
    this.#purging.add(purging)
    void purging.then(() => this.#purging.delete(purging))
  }

  #orderOften(order: Order, times = orderTimes): void {
    this.#owner.queue?.order(order)
    if (times === 1) return
    const timer = setTimeout(() => {
      this.#repeats.delete(timer)
      this.#orderOften(order, times - 1)
    }, orderEveryMs)
    timer.unref()
    this.#repeats.add(timer)
  }
}
