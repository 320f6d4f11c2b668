import type { FromWorker } from "../../protocol/worker.ts"
import type { Backend, BatchEvents, RunningBatch, TaskBatch, WorkerState } from "../backend.ts"
import { KnownJobs } from "./known-jobs.ts"
import { LocalRun } from "./local-run.ts"
import { Slot, type SlotOwner } from "./slot.ts"
import { hasWorkerFile, workerFile } from "./worker-file.ts"
import {
  kindOf,
  type WorkerKind,
  type WorkerLink,
  type WorkerListener,
  type WorkerProgram,
} from "./worker-link.ts"
import { WorkerProcess } from "./worker-process.ts"
import { WorkerThread } from "./worker-thread.ts"

/**
 * Tasks in processes of this machine, or in threads of this process.
 *
 *     local.ts           which slot takes a batch
 *     slot.ts            a place for one worker: its batches, and what happens when it dies or is told to stop
 *     local-run.ts       a batch in a slot's hands
 *     known-jobs.ts      the numbers that workers know jobs by
 *     live-worker.ts     what a worker was sent, and so what it still lacks
 *     head-watch.ts      which task a worker is at, and whether that takes too long
 *     blame.ts           which task a worker died of
 *     worker-link.ts     a worker as its slot sees it
 *     worker-process.ts  a process and its channels
 *     worker-thread.ts   a thread and its port
 *     worker-file.ts     where the worker runtime is
 *     exit-reason.ts     why a process ended, in words
 */

/** Tells a task's own executors among how many workers the task's process is one. */
export const siblingsVariable = "CELLFAN_SIBLINGS"

/** How often batches are looked after, while there are any: to see which task a silent worker is at, and what takes too long. */
const lookEveryMs = 100
const lookForTimeoutsEveryMs = 20

/** How long a task may take to notice its signal before its worker is replaced. */
const timeoutGraceMs = 500

export class LocalBackend implements Backend, SlotOwner {
  readonly name = "localhost"
  readonly remote = false
  readonly supports = {
    cancel: true,
    logs: true,
    progress: true,
    reattach: false,
    takeBack: true,
    threads: true,
  }
  readonly workers: number
  readonly #slots: Slot[]
  readonly #jobs = new KnownJobs()
  readonly #given: Pick<WorkerProgram, "host" | "command"> | undefined
  readonly #env: Readonly<Record<string, string>>
  #nextBatch = 1
  #timer: NodeJS.Timeout | undefined
  #timerMs = Number.POSITIVE_INFINITY

  /**
   * @param options.program What its processes are, where they are not this machine's for its own kernel: an agent's.
   */
  constructor({ workers, program }: { workers: number; program?: Pick<WorkerProgram, "host" | "command"> }) {
    this.workers = workers
    this.#given = program
    this.#env = { [siblingsVariable]: String(workers) }
    this.#slots = Array.from({ length: workers }, () => new Slot(this))
  }

  get idle(): number {
    let count = 0
    for (const slot of this.#slots) if (slot.runs.length === 0) count++
    return count
  }

  workerStates(): WorkerState[] {
    return this.#slots.map((slot) => slot.worker).filter((worker) => worker !== undefined)
  }

  async open(): Promise<void> {
    if (this.#given === undefined) workerFile("process")
  }

  expect(tasks: number, kind: Pick<TaskBatch, "isolation" | "memoryMiB">): void {
    let wanted = tasks
    for (const slot of this.#slots) if (slot.isRunning) wanted--
    // What is missing is told to the job when its batches come.
    if (wanted <= 0 || (this.#given === undefined && !hasWorkerFile(kindOf(kind).isolation))) return
    for (const slot of this.#slots) if (wanted > 0 && slot.warm(kindOf(kind))) wanted--
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    const job = this.#jobs.enter(batch.jobId, events)
    const slot = this.#choose(kindOf(batch))
    const run = new LocalRun(this.#nextBatch++, job, batch, events, slot)
    slot.assign(run)
    this.#lookEvery(batch.timeoutMs === undefined ? lookEveryMs : lookForTimeoutsEveryMs)
    return run
  }

  forget(jobId: string): void {
    const job = this.#jobs.settled(jobId)
    if (job !== undefined) for (const slot of this.#slots) slot.forget(job)
  }

  /** What earlier runs left behind are workers; the next batch starts new ones. */
  async clean(): Promise<void> {
    for (const slot of this.#slots) slot.close()
  }

  async close(): Promise<void> {
    this.#lookNoMore()
    for (const slot of this.#slots) slot.close()
  }

  told(message: Extract<FromWorker, { type: "log" | "progress" }>): void {
    const events = this.#jobs.eventsOf(message.job)
    if (message.type === "log") events?.log(message.index, message.stream, message.text)
    else events?.progress(message.index, message.fraction, message.note)
  }

  startWorker({ isolation, memoryMiB }: WorkerKind, listener: WorkerListener): WorkerLink {
    const env = this.#env
    if (isolation === "thread") return new WorkerThread({ memoryMiB, env }, listener)
    const { host, command } = this.#given ?? { host: this.name, command: [workerFile("process")] }
    return new WorkerProcess({ host, command, env }, memoryMiB, listener)
  }

  #choose(kind: WorkerKind): Slot {
    let best = this.#slots[0] as Slot
    let bestCost = Number.POSITIVE_INFINITY
    for (const slot of this.#slots) {
      const cost = costOf(slot, kind)
      if (cost >= bestCost) continue
      best = slot
      bestCost = cost
    }
    return best
  }

  #lookEvery(ms: number): void {
    if (ms >= this.#timerMs) return
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#look(), ms).unref()
    this.#timerMs = ms
  }

  #lookNoMore(): void {
    clearInterval(this.#timer)
    this.#timerMs = Number.POSITIVE_INFINITY
  }

  #look(): void {
    const nowMs = Date.now()
    let busy = false
    for (const slot of this.#slots) {
      if (slot.runs.length === 0) continue
      busy = true
      slot.look(nowMs, timeoutGraceMs)
    }
    if (!busy) this.#lookNoMore()
  }
}

/** An idle worker first, then a new one, then an idle one that must be restarted as another kind, then the least loaded. */
function costOf(slot: Slot, kind: WorkerKind): number {
  const fits = slot.fits(kind)
  if (slot.runs.length === 0) return !slot.isRunning ? 1 : fits ? 0 : 2
  return slot.runs.length * 1e9 + slot.load + (fits ? 0 : 1e12)
}
