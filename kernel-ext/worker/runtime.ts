import { dropBroadcast, keepBroadcast, load, type PackageBundle } from "../capture/load.ts"
import type { Encoded, Loaded, Shipment } from "../capture/types.ts"
import type { FromWorker, ToWorker } from "../protocol/worker.ts"
import { currentTask, type JobInWorker, RunningTask } from "./context.ts"
import type { Meter } from "./meter.ts"
import { Report } from "./report.ts"
import type { Ticket } from "./ticket.ts"

/**
 * Runs tasks: the same in every place there are workers.
 *
 *     runtime.ts    batches in, one task at a time, reports out
 *     context.ts    ctx of a task, and which task the running code belongs to
 *     report.ts     what ended, gathered into messages
 *     meter.ts      CPU time and memory that tasks take
 *     failure.ts    whatever was thrown, made to travel
 *     task-log.ts   a task's console output, bounded; output.ts routes the console there
 *     faults.ts     errors that no promise carries, and the end of the process
 *     ticket.ts     which tasks have begun, shared with the watchdog
 *     watchdog.ts   the thread that user code cannot block
 *     random.ts     ctx.random()
 *     process.ts    a process that runs tasks
 *     entry/        one file per place
 */

/** How this worker's messages leave. Returns when the bytes are on their way, also when the process ends right after. */
export type Send = (message: FromWorker, parts?: readonly Uint8Array[]) => void

type RunMessage = Extract<ToWorker, { type: "run" }>

interface Batch {
  readonly message: RunMessage
  readonly inputs: Encoded
}

/**
 * Ended tasks wait at most about this long for others to share their message. Each message wakes the host, which takes most of
 * a millisecond from the tasks where they keep all processors busy.
 */
const reportEveryMs = 40

/** A batch of tasks that never wait lets go of the event loop this often, for aborts and timers. */
const yieldEveryMs = 20

/** What runs between batches (timers that tasks left behind) is no part of the next task for longer than this. */
const markHoldsMs = 20

/** User code may put its own clock in place of ours. */
const clock = performance
const origin = clock.timeOrigin

function now(): number {
  return origin + clock.now()
}

/** Thrown tasks have no results; each gets the error that kept the function from loading. */
interface LoadedJob extends JobInWorker {
  readonly loaded: Loaded | undefined
  readonly loadError: unknown
  readonly extra: readonly unknown[]
}

/** A function that came, and what it became when a job first needed it. */
interface Shipped {
  readonly shipment: Shipment
  readonly packages: PackageBundle | undefined
  loaded: Loaded | undefined
}

/** What differs between the places a worker runs in. */
export interface Place {
  readonly send: Send
  readonly ticket: Ticket
  readonly meter: Meter
  /** Whether it is a thread of the host's process. */
  readonly sharesMemory: boolean
  /** Where it does not see the host's files, and the host does not trust what it says. */
  readonly remote?: {
    /** For V8's code cache of packages; none is kept without. */
    readonly cacheFolder: string | undefined
  }
}

export class Runtime {
  readonly #place: Place
  readonly #send: Send
  readonly #ticket: Ticket
  readonly #shipments = new Map<string, Shipped>()
  readonly #packages = new Map<string, PackageBundle>()
  readonly #jobs = new Map<number, LoadedJob>()
  readonly #queue: Batch[] = []
  #draining = false
  /** The ticket begins open at position 0, as the host begins with epoch 0. */
  #openEpoch = 0
  #env: Readonly<Record<string, string>> | undefined
  #running: { task: RunningTask; position: number } | undefined
  #report: Report | undefined
  #marked: { readonly cpuMs: number; readonly atMs: number } | undefined

  constructor(place: Place) {
    this.#place = place
    this.#send = place.send
    this.#ticket = place.ticket
  }

  receive(message: ToWorker, parts: readonly Uint8Array[]): void {
    switch (message.type) {
      case "ship": {
        const { hash, code, resolveFrom, imports, origin } = message
        const shipment = { hash, code, resolveFrom, imports, origin, data: encodedOf(parts), broadcasts: [] }
        const packages = message.packages === undefined ? undefined : this.#packages.get(message.packages)
        this.#shipments.set(hash, { shipment, packages, loaded: undefined })
        return
      }
      case "broadcast":
        keepBroadcast(message.hash, encodedOf(parts))
        return
      case "packages": {
        const code = new TextDecoder().decode(parts[0])
        this.#packages.set(message.hash, { hash: message.hash, code })
        return
      }
      case "job":
        this.#jobs.set(message.job, this.#loadJob(message, parts))
        return
      case "run":
        this.#queue.push({ message, inputs: encodedOf(parts) })
        if (!this.#draining) void this.#drain()
        return
      case "abort":
        if (this.#running?.position === message.position)
          this.#running.task.abort(abortReason(message.reason))
        return
      case "forget":
        for (const job of message.jobs) this.#jobs.delete(job)
        for (const hash of message.hashes) this.#shipments.delete(hash)
        for (const hash of message.broadcasts) dropBroadcast(hash)
        return
      default:
        throw new TypeError(`Unknown message: ${(message satisfies never as ToWorker).type}`)
    }
  }

  /** The task that runs now, and its position. */
  get running(): { readonly task: RunningTask; readonly position: number } | undefined {
    return this.#running
  }

  /** Sends what has ended. */
  flush(): void {
    const report = this.#report
    if (report === undefined || report.isEmpty) return
    const { head, parts } = report.take()
    this.#send(head, parts)
  }

  #loadJob(message: Extract<ToWorker, { type: "job" }>, parts: readonly Uint8Array[]): LoadedJob {
    const { job: key, jobId, hash, seed, env, storage } = message
    const common = { key, jobId, hash, seed, env, storage, send: this.#send }
    try {
      const entry = this.#shipments.get(hash)
      if (entry === undefined) throw new Error(`The function ${hash} did not reach this worker.`)
      this.#useEnv(env)
      entry.loaded ??= this.#load(entry)
      const extra = message.extra ? (entry.loaded.codec.decode(encodedOf(parts)) as unknown[]) : []
      return { ...common, loaded: entry.loaded, loadError: undefined, extra }
    } catch (error) {
      return { ...common, loaded: undefined, loadError: error, extra: [] }
    }
  }

  #load({ shipment, packages }: Shipped): Loaded {
    const { sharesMemory, remote } = this.#place
    if (remote === undefined) return load(shipment, { sharesMemory })
    return load(shipment, { packages, cacheFolder: remote.cacheFolder, results: "portable" })
  }

  async #drain(): Promise<void> {
    this.#draining = true
    for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift())
      await this.#runBatch(batch)
    this.#draining = false
  }

  async #runBatch({ message, inputs: encoded }: Batch): Promise<void> {
    if (message.epoch !== this.#openEpoch) {
      this.#openEpoch = message.epoch
      this.#ticket.open(message.base, message.epoch)
    }
    const job = this.#jobs.get(message.job)
    const loaded = job?.loaded
    const report = new Report(message.batch, loaded, this.#place.meter, this.#cpuMark())
    this.#report = report
    if (job === undefined || loaded === undefined) {
      this.#failAll(
        message,
        report,
        job?.loadError ?? new Error("The worker was told to forget the task's job."),
      )
    } else {
      this.#useEnv(job.env)
      let inputs: readonly unknown[] | undefined
      try {
        inputs = picked(loaded.codec.decodeEach(encoded), message.picks)
      } catch (error) {
        this.#failAll(message, report, error)
      }
      if (inputs !== undefined) await this.#runTasks(message, job, loaded.fn, inputs, report)
    }
    this.flush()
    this.#report = undefined
    // Read now, when nobody waits: asking the system takes as long as all the rest of a small batch.
    this.#marked = { cpuMs: this.#place.meter.cpuMs(), atMs: now() }
  }

  /** What the worker has used up to now, as far as it matters: next to nothing since the batch before. */
  #cpuMark(): number {
    const marked = this.#marked
    if (marked === undefined || now() - marked.atMs > markHoldsMs) return this.#place.meter.cpuMs()
    return marked.cpuMs
  }

  /** The hot path: a no-op task passes here in well under a microsecond. */
  async #runTasks(
    message: RunMessage,
    job: LoadedJob,
    fn: Loaded["fn"],
    inputs: readonly unknown[],
    report: Report,
  ): Promise<void> {
    const { base, count, first, indices, attempts } = message
    const ticket = this.#ticket
    let reportedAt = now()
    let yieldedAt = reportedAt
    let startedAt = reportedAt
    for (let offset = 0; offset < count; offset++) {
      if (!ticket.claim(base + offset, startedAt)) return
      const index = indices === undefined ? first + offset : (indices[offset] ?? 0)
      const task = new RunningTask(job, index, attempts?.[offset] ?? 1)
      this.#running = { task, position: base + offset }
      let endedAt: number
      try {
        let value = currentTask.run(task, fn, inputs[offset], task, ...job.extra)
        if (isThenable(value)) value = await this.#settle(task, value)
        endedAt = now()
        report.done(startedAt, endedAt, value)
      } catch (error) {
        endedAt = now()
        report.failed(startedAt, endedAt, error)
      }
      ticket.rest()
      this.#running = undefined
      task.end()
      startedAt = endedAt
      if (endedAt - reportedAt > reportEveryMs || report.isUrgent) {
        this.flush()
        reportedAt = startedAt = now()
      }
      if (endedAt - yieldedAt > yieldEveryMs && offset + 1 < count) {
        await new Promise(setImmediate)
        yieldedAt = startedAt = now()
      }
    }
  }

  /** Waits for a task's promise. What has ended before it is sent if that takes a turn of the event loop. */
  #settle(task: RunningTask, value: PromiseLike<unknown>): Promise<unknown> {
    const flush = setImmediate(() => this.flush())
    return new Promise((resolve, reject) => {
      task.fail = reject
      value.then(resolve, reject)
    }).finally(() => clearImmediate(flush))
  }

  #failAll({ base, count }: RunMessage, report: Report, error: unknown): void {
    for (let offset = 0; offset < count; offset++) {
      const at = now()
      if (!this.#ticket.claim(base + offset, at)) return
      report.failed(at, now(), error)
      this.#ticket.rest()
    }
  }

  /** A job's variables hold while its tasks run; another job's tasks find the ones they expect. */
  #useEnv(env: Readonly<Record<string, string>>): void {
    if (env === this.#env) return
    for (const name of Object.keys(this.#env ?? {})) {
      const original = originalEnv[name]
      if (original === undefined) delete process.env[name]
      else process.env[name] = original
    }
    Object.assign(process.env, env)
    this.#env = env
  }
}

const originalEnv = { ...process.env }

function encodedOf(parts: readonly Uint8Array[]): Encoded {
  const [bytes = new Uint8Array(0), ...blobs] = parts
  return { bytes, blobs }
}

function picked(inputs: readonly unknown[], picks: Uint32Array | undefined): readonly unknown[] {
  return picks === undefined ? inputs : Array.from(picks, (at) => inputs[at])
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  )
}

function abortReason(reason: "cancelled" | "timedOut"): DOMException {
  return reason === "timedOut"
    ? new DOMException("The task ran longer than its timeoutMs", "TimeoutError")
    : new DOMException("The task was cancelled", "AbortError")
}
