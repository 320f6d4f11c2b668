import type { Encoded } from "../../capture/types.ts"
import type { ControlReply, FromWorker } from "../../protocol/worker.ts"
import type { LocalRun } from "./local-run.ts"
import type { WorkerLink } from "./worker-link.ts"

/** Functions a worker keeps loaded. */
const maxShipments = 32

/** One worker from its start to its end: what it was sent, and so what it still lacks. */
export class LiveWorker {
  readonly link: WorkerLink
  /** What it said when it was about to end. */
  lastWords: Extract<FromWorker, { type: "exiting" }> | undefined
  #nextPosition = 0
  #epoch = 0
  #takingBack: (() => void)[] | undefined
  readonly #shipped = new Set<string>()
  readonly #jobs = new Set<number>()
  /** Jobs that it may forget; it is told with the next batch. */
  #forgotten: number[] = []

  constructor(link: WorkerLink) {
    this.link = link
  }

  /** Sends a batch, and before it what the worker lacks to run it. `job` is the number it knows the job by. */
  deliver(run: LocalRun, job: number): void {
    this.link.together(() => {
      this.#introduce(run, job)
      this.#send(run, job)
    })
  }

  forget(job: number): void {
    if (this.#jobs.delete(job)) this.#forgotten.push(job)
  }

  /**
   * Has every waiting task given back, of all batches. `settle` is called with the answer and the epoch that it is for,
   * then each `after` that was asked for until then.
   */
  takeBack(settle: (reply: ControlReply, epoch: number) => void, after?: () => void): void {
    if (this.#takingBack !== undefined) {
      if (after !== undefined) this.#takingBack.push(after)
      return
    }
    const callbacks = after === undefined ? [] : [after]
    this.#takingBack = callbacks
    this.link.takeBack(this.#epoch, (reply) => {
      this.#takingBack = undefined
      settle(reply, this.#epoch++)
      for (const callback of callbacks) callback()
    })
  }

  #introduce({ batch }: LocalRun, job: number): void {
    if (this.#jobs.has(job)) return
    const { shipment, jobId, seed, env, extraArgs } = batch
    const { hash, code, resolveFrom, imports } = shipment
    const outdated: string[] = []
    if (!this.#shipped.has(hash)) {
      this.link.send({ type: "ship", hash, code, resolveFrom, imports }, partsOf(shipment.data))
      this.#shipped.add(hash)
      const [oldest] = this.#shipped
      if (this.#shipped.size > maxShipments && oldest !== undefined) {
        this.#shipped.delete(oldest)
        outdated.push(oldest)
      }
    }
    if (this.#forgotten.length + outdated.length > 0) {
      this.link.send({ type: "forget", jobs: this.#forgotten, hashes: outdated }, [])
      this.#forgotten = []
    }
    const extra = extraArgs !== undefined
    this.link.send({ type: "job", job, jobId, hash, seed, env, extra }, extra ? partsOf(extraArgs) : [])
    this.#jobs.add(job)
  }

  #send(run: LocalRun, job: number): void {
    const { indices, attempts, inputs } = run.batch
    const count = indices.length
    const base = this.#nextPosition
    const epoch = this.#epoch
    run.sent(base, epoch)
    this.#nextPosition += count
    const listed = isConsecutive(indices) ? undefined : indices
    const first = indices[0] ?? 0
    this.link.send(
      { type: "run", batch: run.id, job, epoch, base, count, first, indices: listed, attempts },
      partsOf(inputs),
    )
  }
}

function isConsecutive(indices: Uint32Array): boolean {
  const first = indices[0] ?? 0
  const last = indices.length - 1
  // Batches are in ascending order, so the ends tell.
  return indices[last] === first + last && indices.every((index, i) => index === first + i)
}

function partsOf({ bytes, blobs }: Encoded): Uint8Array[] {
  return blobs.length === 0 ? [bytes] : [bytes, ...blobs]
}
