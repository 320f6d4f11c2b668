import { Worker } from "node:worker_threads"
import type { ContentKey, Said } from "../../protocol/invocation.ts"
import { type FromWorker, parseFromWorker, type Sending, type ToWorker } from "../../protocol/worker.ts"
import { Ticket } from "../ticket.ts"

/** What the thread is started with. */
export interface TaskThreadData {
  readonly ticket: SharedArrayBuffer
  readonly cacheFolder: string
}

export type Ended =
  | { readonly kind: "ran" }
  /** `position` is that of the task it died under. */
  | { readonly kind: "lost"; readonly position: number | undefined; readonly reason: string }

interface Running {
  readonly batch: number
  readonly count: number
  readonly job: number
  readonly tell: (said: Said) => void
  readonly end: (ended: Ended) => void
  /** Tasks that were reported. */
  reported: number
}

/** How often a thread that was asked to rest is looked at. */
const lookEveryMs = 5

/** The thread that runs tasks, from outside: what it was given, which task it is at, and how it ended. */
export class TaskThread {
  /** What it was sent. */
  readonly contents = new Set<ContentKey>()
  nextPosition = 0
  readonly #worker: Worker
  readonly #ticket = new Ticket()
  #epoch = 0
  #nextBatch = 1
  /** The numbers that the thread knows jobs by. */
  readonly #jobs = new Map<string, number>()
  #running: Running | undefined
  /** The task that was last seen running, as the position after it, and when it was first seen. */
  #seen: { readonly next: number; readonly atMs: number } | undefined
  #lastWords: Extract<FromWorker, { type: "exiting" }> | undefined
  #error: NodeJS.ErrnoException | undefined
  /** How it ended, once it has. */
  #gone: Ended | undefined

  constructor(file: URL, { heapMiB, cacheFolder }: { heapMiB: number; cacheFolder: string }) {
    const workerData: TaskThreadData = { ticket: this.#ticket.memory, cacheFolder }
    this.#worker = new Worker(file, {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: heapMiB },
      // Not those of a process that was started with its code as an argument.
      execArgv: [],
    })
    this.#worker.on("message", ({ message, parts }: Said) => this.#receive(message, parts))
    this.#worker.on("error", (error: NodeJS.ErrnoException) => {
      this.#error = error
    })
    this.#worker.on("exit", (code) => this.#exited(code))
    // It is the call that keeps the process alive.
    this.#worker.unref()
  }

  give(key: ContentKey, { message, parts }: Sending): void {
    this.#post(message.type === "job" ? { ...message, job: this.#jobNumber(message.jobId) } : message, parts)
    this.contents.add(key)
  }

  /** Has it run tasks; resolves when all of them were reported, or it has died. */
  run(
    message: Extract<ToWorker, { type: "run" }>,
    parts: readonly Uint8Array[],
    jobId: string,
    tell: (said: Said) => void,
  ): Promise<Ended> {
    return new Promise((resolve) => {
      if (this.#gone !== undefined) {
        resolve(this.#gone)
        return
      }
      const batch = this.#nextBatch++
      const job = this.#jobNumber(jobId)
      this.#running = { batch, count: message.count, job, tell, end: resolve, reported: 0 }
      this.#post({ ...message, batch, job, epoch: this.#epoch, base: this.nextPosition }, parts)
      this.nextPosition += message.count
    })
  }

  /**
   * How long the task that runs has run, since this was first asked of it. By this thread's own clock: platforms stop
   * clocks between calls, and those of two threads may then differ.
   */
  runningMs(): number {
    const { busy, next } = this.#ticket
    const nowMs = performance.now()
    if (!busy) this.#seen = undefined
    else if (this.#seen?.next !== next) this.#seen = { next, atMs: nowMs }
    return this.#seen === undefined ? 0 : nowMs - this.#seen.atMs
  }

  /** From now on no task begins. Says which one runs. */
  closeTicket(): { busy: boolean; position: number; startedAtMs: number } {
    const { busy, startedAtMs } = this.#ticket
    const next = this.#ticket.close(this.#epoch++)
    return { busy, position: busy ? next - 1 : next, startedAtMs }
  }

  abort(position: number, reason: "timedOut" | "cancelled"): void {
    this.#post({ type: "abort", position, reason }, [])
  }

  /** Resolves with "resting" when no task runs any more, with undefined where one still does after `limitMs`. */
  resting(limitMs: number): Promise<"resting" | undefined> {
    const end = performance.now() + limitMs
    return new Promise((resolve) => {
      const look = () => {
        if (!this.#ticket.busy) resolve("resting")
        else if (performance.now() > end) resolve(undefined)
        else setTimeout(look, lookEveryMs)
      }
      look()
    })
  }

  terminate(): void {
    this.#running = undefined
    void this.#worker.terminate()
  }

  #jobNumber(jobId: string): number {
    let number = this.#jobs.get(jobId)
    if (number === undefined) {
      number = this.#jobs.size + 1
      this.#jobs.set(jobId, number)
    }
    return number
  }

  /** Each part gets memory of its own: a view would take along all that it is a view of. */
  #post(message: ToWorker, parts: readonly Uint8Array[]): void {
    this.#worker.postMessage({ message, parts: parts.map((part) => new Uint8Array(part)) })
  }

  #receive(head: unknown, parts: readonly Uint8Array[]): void {
    const message = parseFromWorker(head)
    const running = this.#running
    switch (message?.type) {
      case "exiting":
        this.#lastWords = message
        return
      case "report":
        if (running?.batch !== message.batch) return
        running.reported = message.from + message.count
        running.tell({ message, parts })
        if (running.reported === running.count) this.#end({ kind: "ran" })
        return
      case "log":
      case "progress":
        // What timers of earlier jobs say has nobody to hear it.
        if (running?.job === message.job) running.tell({ message, parts: [] })
        return
      default:
        return
    }
  }

  #exited(code: number): void {
    const position = this.#lastWords?.position ?? (this.#ticket.busy ? this.#ticket.next - 1 : undefined)
    this.#gone = { kind: "lost", position, reason: this.#reason(code) }
    this.#end(this.#gone)
  }

  #reason(code: number): string {
    if (this.#error?.code === "ERR_WORKER_OUT_OF_MEMORY") return "ran out of memory"
    if (this.#lastWords !== undefined) return this.#lastWords.reason
    return this.#error === undefined ? `exited with code ${code}` : `failed: ${this.#error.message}`
  }

  #end(ended: Ended): void {
    const running = this.#running
    this.#running = undefined
    running?.end(ended)
  }
}
