import type { PackageBundle } from "../../capture/load/packages.ts"
import type { Broadcast, Encoded, Shipment } from "../../capture/types.ts"
import type { ControlReply, FromWorker, Sending } from "../../protocol/worker.ts"
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
  /** Functions, with the broadcast values that they refer to; oldest first. */
  readonly #shipped = new Map<string, readonly Broadcast[]>()
  readonly #broadcasts = new Set<string>()
  readonly #packages = new Set<string>()
  readonly #jobs = new Set<number>()
  /** Jobs that it may forget; it is told with the next batch. */
  #forgotten: number[] = []

  constructor(link: WorkerLink) {
    this.link = link
  }

  /** Sends a batch, and before it what the worker lacks to run it. */
  deliver(run: LocalRun): void {
    this.link.send(...this.#introduction(run), this.#batch(run))
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

  /** What the worker lacks to run the batch: the function with its broadcast values, and what its job's tasks share. */
  #introduction({ batch, job }: LocalRun): Sending[] {
    if (this.#jobs.has(job)) return []
    const { shipment, packages, jobId, seed, env, extraArgs, storage } = batch
    const { hash } = shipment
    const sendings = this.#shipped.has(hash) ? [] : this.#ship(shipment, packages)
    const outdated = this.#outdated()
    if (this.#forgotten.length + outdated.hashes.length > 0) {
      sendings.push({ message: { type: "forget", jobs: this.#forgotten, ...outdated }, parts: [] })
      this.#forgotten = []
    }
    const extra = extraArgs !== undefined
    sendings.push({
      message: { type: "job", job, jobId, hash, seed, env, storage, extra },
      parts: extra ? partsOf(extraArgs) : [],
    })
    this.#jobs.add(job)
    return sendings
  }

  #ship(shipment: Shipment, packages: PackageBundle | undefined): Sending[] {
    const { hash, code, resolveFrom, imports, data, broadcasts, origin } = shipment
    const sendings: Sending[] = []
    if (packages !== undefined && !this.#packages.has(packages.hash)) {
      const parts = [Buffer.from(packages.code)]
      sendings.push({ message: { type: "packages", hash: packages.hash }, parts })
      this.#packages.add(packages.hash)
    }
    for (const { hash: name, encoded } of broadcasts) {
      if (this.#broadcasts.has(name)) continue
      sendings.push({ message: { type: "broadcast", hash: name }, parts: partsOf(encoded) })
      this.#broadcasts.add(name)
    }
    sendings.push({
      message: { type: "ship", hash, code, resolveFrom, imports, packages: packages?.hash, origin },
      parts: partsOf(data),
    })
    this.#shipped.set(hash, broadcasts)
    return sendings
  }

  /** The oldest function where there are too many, and the broadcast values that no other one refers to. */
  #outdated(): { hashes: string[]; broadcasts: string[] } {
    const [oldest] = this.#shipped
    if (oldest === undefined || this.#shipped.size <= maxShipments) return { hashes: [], broadcasts: [] }
    const [hash, unused] = oldest
    this.#shipped.delete(hash)
    const used = new Set([...this.#shipped.values()].flat().map((one) => one.hash))
    const broadcasts = unused.map((one) => one.hash).filter((name) => !used.has(name))
    for (const name of broadcasts) this.#broadcasts.delete(name)
    return { hashes: [hash], broadcasts }
  }

  #batch(run: LocalRun): Sending {
    const { indices, attempts, inputs, picks } = run.batch
    const count = indices.length
    const base = this.#nextPosition
    const epoch = this.#epoch
    run.sent(base, epoch)
    this.#nextPosition += count
    const listed = isConsecutive(indices) ? undefined : indices
    const first = indices[0] ?? 0
    return {
      message: {
        type: "run",
        batch: run.id,
        job: run.job,
        epoch,
        base,
        count,
        first,
        indices: listed,
        attempts,
        picks,
      },
      parts: partsOf(inputs),
    }
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
