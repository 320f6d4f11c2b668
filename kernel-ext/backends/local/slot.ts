import type { Encoded } from "../../capture/types.ts"
import { BackendError } from "../../errors.ts"
import type { ControlReply, FromWorker, LogStream } from "../../protocol/worker.ts"
import type { LocalRun } from "./local-run.ts"
import { WorkerProcess } from "./worker-process.ts"

/** What a slot needs of the backend around it. */
export interface SlotOwner {
  /** The number under which workers know the job. */
  keyOf(jobId: string): number
  /** A message about a task by its job, which may come after its batch has closed. */
  told(message: Extract<FromWorker, { type: "log" | "progress" }>): void
}

/** Functions a worker keeps loaded. */
const maxShipments = 32

/** A worker that ends this often before it could run anything will not start at all. */
const maxStartFailures = 3

/** A batch of several tasks that says nothing for this long is asked which one it is at. */
const probeAfterMs = 40

/** A place for one worker process, and the batches it holds: the first runs, the others wait in it. */
export class Slot {
  readonly #owner: SlotOwner
  readonly #env: Readonly<Record<string, string>>
  readonly runs: LocalRun[] = []
  /** Batches that need another memory limit than the worker has, which is busy. */
  readonly #postponed: LocalRun[] = []
  #process: WorkerProcess | undefined
  #memoryMiB: number | undefined
  #isReady = false
  #startFailures = 0
  #nextPosition = 0
  #epoch = 0
  #takingBack: (() => void)[] | undefined
  readonly #shipped = new Set<string>()
  readonly #jobs = new Set<number>()
  /** Jobs that the worker may forget; it is told with the next batch. */
  #forgotten: number[] = []
  /** When the host last heard of the first batch, and what it knows of the task that runs in it. */
  #heardAtMs = 0
  #runningSinceMs = 0
  #runningPosition: number | undefined
  #probing = false
  #lastWords: Extract<FromWorker, { type: "exiting" }> | undefined

  /** @param env Variables of the worker process beside those of this one. */
  constructor(owner: SlotOwner, env: Readonly<Record<string, string>>) {
    this.#owner = owner
    this.#env = env
  }

  get head(): LocalRun | undefined {
    return this.runs[0]
  }

  get isRunning(): boolean {
    return this.#process !== undefined
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get worker(): string {
    return `localhost:${this.#process?.pid ?? 0}`
  }

  /** Whether the batch is still here because the worker was not fit for it; then it goes back at once. */
  withdraw(run: LocalRun): boolean {
    const at = this.#postponed.indexOf(run)
    if (at === -1) return false
    this.#postponed.splice(at, 1)
    run.cut(0)
    run.events.closed()
    return true
  }

  /** Tasks it has yet to end. */
  get load(): number {
    return this.runs.reduce((sum, run) => sum + run.limit - run.reported, 0)
  }

  fits(memoryMiB: number | undefined): boolean {
    return this.#process === undefined || this.#memoryMiB === memoryMiB
  }

  assign(run: LocalRun): void {
    const { batch } = run
    if (!this.fits(batch.memoryMiB)) {
      if (this.runs.length > 0) {
        this.#postponed.push(run)
        return
      }
      this.#replace()
    }
    this.#process ??= this.#start(batch.memoryMiB)
    const process = this.#process
    process.together(() => this.#deliver(process, run))
    if (this.runs.push(run) > 1) return
    process.hold(true)
    // A worker that is still starting runs nothing yet.
    if (this.#isReady) this.#begin(run, Date.now())
  }

  /** Has every waiting task given back, of all batches, and calls `after` when it is known which ones wait. */
  takeBack(after?: () => void): void {
    const pending = this.#takingBack
    if (pending !== undefined) {
      if (after !== undefined) pending.push(after)
      return
    }
    const process = this.#process
    if (process === undefined) return
    this.#takingBack = after === undefined ? [] : [after]
    process.takeBack(this.#epoch, (reply) => {
      if (this.#process === process) this.#tookBack(reply)
    })
  }

  /** Ends the running task, if it is a dropped one of this batch: by its signal, then by replacing the worker. */
  endDropped(run: LocalRun, reason: "cancelled" | "timedOut", graceMs: number): void {
    const process = this.#process
    const offset = run.reported
    if (process === undefined || this.head !== run || run.isOver) return
    const position = this.#runningPosition ?? run.base + offset
    if (!run.isDropped(position - run.base)) return
    process.send({ type: "abort", position, reason }, [])
    const timer = setTimeout(() => {
      if (this.#process === process && this.head === run && run.reported <= position - run.base)
        process.kill(
          reason === "cancelled"
            ? "was replaced to cancel its task"
            : "was replaced to end a task that ran too long",
        )
    }, graceMs)
    timer.unref()
  }

  forget(job: number): void {
    if (this.#jobs.delete(job)) this.#forgotten.push(job)
  }

  /** Looks after the running batch: which task it is at, and whether that takes too long. */
  tick(nowMs: number, graceMs: number): void {
    const run = this.head
    if (run === undefined || this.#probing || !this.#isReady) return
    const timeoutMs = run.batch.timeoutMs
    const overdue = timeoutMs !== undefined && nowMs - this.#runningSinceMs >= timeoutMs
    const silent =
      this.#runningPosition === undefined &&
      run.limit - run.reported > 1 &&
      nowMs - this.#heardAtMs > probeAfterMs
    if (!overdue && !silent) return
    this.#probing = true
    const process = this.#process
    process?.probe((reply) => {
      if (this.#process !== process) return
      this.#probing = false
      if (this.head === run) this.#probed(run, reply, graceMs)
    })
  }

  close(): void {
    for (const run of [...this.#postponed]) this.withdraw(run)
    const process = this.#process
    if (this.head === undefined) process?.retire()
    else process?.kill("was closed")
    // A worker that does not end by itself, because of what a task left running in it, is ended.
    if (process !== undefined) setTimeout(() => process.kill("was closed"), 500).unref()
  }

  #deliver(process: WorkerProcess, run: LocalRun): void {
    const { batch } = run
    const key = this.#owner.keyOf(batch.jobId)
    this.#introduce(process, run, key)
    const count = batch.indices.length
    run.base = this.#nextPosition
    run.epoch = this.#epoch
    this.#nextPosition += count
    process.send(
      {
        type: "run",
        batch: run.id,
        job: key,
        epoch: run.epoch,
        base: run.base,
        count,
        first: batch.indices[0] ?? 0,
        indices: isConsecutive(batch.indices) ? undefined : batch.indices,
        attempts: batch.attempts,
      },
      partsOf(batch.inputs),
    )
  }

  #start(memoryMiB: number | undefined): WorkerProcess {
    this.#memoryMiB = memoryMiB
    this.#isReady = false
    this.#nextPosition = 0
    this.#epoch = 0
    this.#takingBack = undefined
    this.#probing = false
    this.#lastWords = undefined
    this.#shipped.clear()
    this.#jobs.clear()
    this.#forgotten = []
    const process: WorkerProcess = new WorkerProcess(
      { memoryMiB, env: this.#env },
      {
        message: (message, parts) => {
          if (this.#process === process) this.#receive(message, parts)
        },
        rawOutput: (stream, text) => {
          if (this.#process === process) this.#rawOutput(stream, text)
        },
        gone: (reason, signal) => {
          if (this.#process === process) this.#gone(reason, signal)
        },
      },
    )
    return process
  }

  /** The worker has the wrong memory limit and nothing to do. */
  #replace(): void {
    this.#process?.retire()
    this.#process = undefined
  }

  /** Sends what the worker lacks to run the batch: the function, and what its job's tasks share. */
  #introduce(process: WorkerProcess, { batch }: LocalRun, key: number): void {
    if (this.#jobs.has(key)) return
    const { shipment, jobId, seed, env, extraArgs } = batch
    const { hash, code, resolveFrom, imports } = shipment
    const outdated: string[] = []
    if (!this.#shipped.has(hash)) {
      process.send({ type: "ship", hash, code, resolveFrom, imports }, partsOf(shipment.data))
      this.#shipped.add(hash)
      const [oldest] = this.#shipped
      if (this.#shipped.size > maxShipments && oldest !== undefined) {
        this.#shipped.delete(oldest)
        outdated.push(oldest)
      }
    }
    if (this.#forgotten.length + outdated.length > 0) {
      process.send({ type: "forget", jobs: this.#forgotten, hashes: outdated }, [])
      this.#forgotten = []
    }
    const extra = extraArgs !== undefined
    process.send({ type: "job", job: key, jobId, hash, seed, env, extra }, extra ? partsOf(extraArgs) : [])
    this.#jobs.add(key)
  }

  #receive(message: FromWorker, parts: readonly Uint8Array[]): void {
    switch (message.type) {
      case "ready":
        this.#isReady = true
        this.#startFailures = 0
        if (this.head !== undefined) this.#begin(this.head, Date.now())
        return
      case "report": {
        const run = this.head
        if (run === undefined || run.id !== message.batch)
          throw new RangeError("a report of no batch of its own")
        run.report(message, parts, this.worker)
        this.#advance()
        return
      }
      case "log":
      case "progress":
        this.#owner.told(message)
        return
      case "exiting":
        this.#lastWords = message
        return
    }
  }

  /** After tasks of the first batch have ended or were given back. */
  #advance(): void {
    const nowMs = Date.now()
    let run = this.head
    while (run?.isOver) {
      this.runs.shift()
      run.events.closed()
      run = this.head
    }
    if (run !== undefined) {
      this.#begin(run, nowMs)
    } else {
      this.#runningPosition = undefined
      this.#process?.hold(false)
      this.#rest()
    }
  }

  /** The task at the first unreported offset is the one that runs, as far as one can tell from here. */
  #begin(run: LocalRun, nowMs: number): void {
    this.#heardAtMs = nowMs
    this.#runningSinceMs = nowMs
    this.#runningPosition = undefined
    if (!run.isDropped(run.reported)) run.events.started(run.indexAt(run.reported), this.worker, nowMs)
  }

  #probed(run: LocalRun, { next, busy, startedAtMs }: ControlReply, graceMs: number): void {
    // While closed, the ticket says nothing new.
    if (!busy) return
    const position = next > 0 ? next - 1 : (this.#runningPosition ?? run.base + run.reported)
    const offset = position - run.base
    if (offset < run.reported || offset >= run.limit) return
    if (this.#runningPosition !== position) {
      this.#runningPosition = position
      if (offset !== run.reported && !run.isDropped(offset))
        run.events.started(run.indexAt(offset), this.worker, startedAtMs)
    }
    this.#runningSinceMs = startedAtMs
    const { timeoutMs } = run.batch
    if (timeoutMs === undefined || Date.now() - startedAtMs < timeoutMs || run.isDropped(offset)) return
    run.drop(offset)
    run.events.ended(run.indexAt(offset), { kind: "timedOut", worker: this.worker, startedAtMs })
    this.takeBack(() => this.endDropped(run, "timedOut", graceMs))
  }

  #tookBack({ next, busy }: ControlReply): void {
    const after = this.#takingBack ?? []
    this.#takingBack = undefined
    const epoch = this.#epoch++
    const head = this.head
    if (head !== undefined && busy && next - 1 >= head.base + head.reported) this.#runningPosition = next - 1
    for (const run of this.runs) {
      // An earlier epoch was settled when its tasks were taken back.
      if (run.epoch === epoch) run.cut(next === -1 ? 0 : next - run.base)
    }
    for (let i = this.runs.length - 1; i > 0; i--) {
      const run = this.runs[i]
      if (!run?.isOver) continue
      this.runs.splice(i, 1)
      run.events.closed()
    }
    for (const callback of after) callback()
    if (this.head?.isOver) this.#advance()
  }

  #rawOutput(stream: LogStream, text: string): void {
    const run = this.head
    if (run === undefined || run.isOver) return
    const offset = (this.#runningPosition ?? run.base + run.reported) - run.base
    run.events.log(run.indexAt(offset), stream, text)
  }

  /** The worker has died. What it held goes back, except the task that it died of. */
  #gone(reason: string, signal: NodeJS.Signals | undefined): void {
    const worker = this.worker
    const runs = this.runs.splice(0)
    const position = this.#lastWords === undefined ? this.#runningPosition : this.#lastWords.position
    const why =
      this.#lastWords !== undefined && !/memory|killed|replaced|closed/.test(reason)
        ? this.#lastWords.reason
        : reason
    const started = this.#isReady
    this.#process = undefined
    this.#runningPosition = undefined
    this.#takingBack = undefined
    // One that was killed says nothing of whether the next one can start; that all are killed ends some time, too.
    if (!started) this.#startFailures += signal === undefined ? 1 : 0.05
    if (!started && this.#startFailures >= maxStartFailures) {
      this.#startFailures = 0
      const message = `A worker of localhost could not start: the process ${why}.`
      for (const run of runs)
        run.events.closed(new BackendError(message, { backend: "localhost", retryable: false }))
    } else {
      runs.forEach((run, i) => {
        if (i === 0 && started) blame(run, position, worker, why)
        run.cut(run.reported)
        run.events.closed()
      })
    }
    this.#rest()
  }

  #rest(): void {
    while (this.runs.length === 0) {
      const run = this.#postponed.shift()
      if (run === undefined) return
      this.assign(run)
    }
  }
}

/** Tells which task of the batch the worker died of; where that is not known, all that may have begun are suspect. */
function blame(run: LocalRun, position: number | undefined, worker: string, reason: string): void {
  const first = run.reported
  const offset = position === undefined ? (run.limit - first === 1 ? first : undefined) : position - run.base
  if (offset === undefined) {
    run.cut(first, true)
    return
  }
  if (offset < first || offset >= run.limit) return
  run.cut(offset + 1)
  if (!run.isDropped(offset)) run.events.ended(run.indexAt(offset), { kind: "lost", worker, reason })
  run.limit = offset
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
