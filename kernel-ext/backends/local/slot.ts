import { BackendError } from "../../errors.ts"
import type { ControlReply, FromWorker, LogStream } from "../../protocol/worker.ts"
import type { WorkerState } from "../backend.ts"
import { blame } from "./blame.ts"
import { HeadWatch } from "./head-watch.ts"
import { LiveWorker } from "./live-worker.ts"
import type { LocalRun } from "./local-run.ts"
import {
  kindOf,
  type WorkerEnd,
  type WorkerKind,
  type WorkerLink,
  type WorkerListener,
} from "./worker-link.ts"

/** What a slot needs of the backend around it. */
export interface SlotOwner {
  /** A message about a task by its job, which may come after its batch has closed. */
  told(message: Extract<FromWorker, { type: "log" | "progress" }>): void
  startWorker(kind: WorkerKind, listener: WorkerListener): WorkerLink
}

/** A worker that ends this often before it could run anything will not start at all. */
const maxStartFailures = 3

/** Being killed says nothing of whether a worker can start; that all are killed ends some time, too. */
const killedStartFailure = 0.05

/** How long a worker may take to end by itself, whatever tasks have left running in it. */
const retireMs = 500

/** A slot is empty, or has a worker that starts, or one that runs tasks. */
type Phase =
  | { readonly is: "empty" }
  | { readonly is: "starting"; readonly worker: LiveWorker; readonly kind: WorkerKind }
  | {
      readonly is: "ready"
      readonly worker: LiveWorker
      readonly kind: WorkerKind
      readonly watch: HeadWatch
    }

/** A place for one worker, and the batches it holds: the first runs, the others wait in it. */
export class Slot {
  readonly runs: LocalRun[] = []
  readonly #owner: SlotOwner
  #phase: Phase = { is: "empty" }
  #startFailures = 0
  /** Batches that need another kind of worker than there is, which is busy. */
  readonly #postponed: LocalRun[] = []

  constructor(owner: SlotOwner) {
    this.#owner = owner
  }

  get head(): LocalRun | undefined {
    return this.runs[0]
  }

  get isRunning(): boolean {
    return this.#phase.is !== "empty"
  }

  /** The process as views show it; undefined where there is none. */
  get worker(): WorkerState | undefined {
    const phase = this.#phase
    if (phase.is === "empty") return undefined
    const ready = this.runs.length > 0 ? "busy" : "idle"
    return { name: phase.worker.link.name, state: phase.is === "starting" ? "starting" : ready }
  }

  /** Tasks it has yet to end. */
  get load(): number {
    return this.runs.reduce((sum, run) => sum + run.limit - run.reported, 0)
  }

  fits({ isolation, memoryMiB }: WorkerKind): boolean {
    if (this.#phase.is === "empty") return true
    const { kind } = this.#phase
    return kind.isolation === isolation && kind.memoryMiB === memoryMiB
  }

  assign(run: LocalRun): void {
    const kind = kindOf(run.batch)
    if (!this.fits(kind)) {
      if (this.runs.length > 0) {
        this.#postponed.push(run)
        return
      }
      this.#worker?.link.retire()
      this.#phase = { is: "empty" }
    }
    const worker = this.#worker ?? this.#start(kind)
    worker.deliver(run)
    if (this.runs.push(run) > 1) return
    worker.link.hold(true)
    this.#begin(Date.now())
  }

  /** Starts a worker, so that it is there when a batch comes. False where there is one. */
  warm(kind: WorkerKind): boolean {
    if (this.isRunning) return false
    this.#start(kind)
    return true
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

  /** Has every waiting task given back, of all batches, and calls `after` when it is known which ones wait. */
  takeBack(after?: () => void): void {
    const worker = this.#worker
    worker?.takeBack(
      (reply, epoch) => {
        if (this.#worker === worker) this.#tookBack(reply, epoch)
      },
      () => {
        if (this.#worker !== worker) return
        after?.()
        if (this.head?.isOver) this.#advance()
      },
    )
  }

  /** Ends the running task, if it is a dropped one of this batch: by its signal, then by replacing the worker. */
  endDropped(run: LocalRun, reason: "cancelled" | "timedOut", graceMs: number): void {
    const phase = this.#phase
    if (phase.is !== "ready" || this.head !== run || run.isOver) return
    const { link } = phase.worker
    const position = phase.watch.likelyPosition(run)
    if (!run.isDropped(position - run.base)) return
    link.send({ message: { type: "abort", position, reason }, parts: [] })
    const timer = setTimeout(() => {
      if (this.#worker === phase.worker && this.head === run && run.reported <= position - run.base)
        link.kill(
          reason === "cancelled"
            ? "was replaced to cancel its task"
            : "was replaced to end a task that ran too long",
        )
    }, graceMs)
    timer.unref()
  }

  forget(job: number): void {
    this.#worker?.forget(job)
  }

  /** Looks after the running batch: which task it is at, and whether that takes too long. */
  look(nowMs: number, graceMs: number): void {
    const phase = this.#phase
    const run = this.head
    if (run === undefined || phase.is !== "ready") return
    const { worker, watch } = phase
    watch.look(run, worker.link, nowMs, (reply) => {
      if (this.#worker !== worker || this.head !== run) return
      const late = watch.answered(run, worker.link.name, reply)
      if (late !== undefined) this.#timedOut(run, late, reply.startedAtMs, graceMs)
    })
  }

  /** Ends its worker; a batch that comes later starts a new one. */
  close(): void {
    for (const run of [...this.#postponed]) this.withdraw(run)
    const link = this.#worker?.link
    if (link === undefined) return
    setTimeout(() => link.kill("was closed"), retireMs).unref()
    if (this.head !== undefined) {
      link.kill("was closed")
      return
    }
    link.retire()
    this.#phase = { is: "empty" }
  }

  get #worker(): LiveWorker | undefined {
    return this.#phase.is === "empty" ? undefined : this.#phase.worker
  }

  #start(kind: WorkerKind): LiveWorker {
    const isCurrent = () => this.#worker === worker
    const link = this.#owner.startWorker(kind, {
      message: (message, parts) => {
        if (isCurrent()) this.#receive(message, parts)
      },
      rawOutput: (stream, text) => {
        if (isCurrent()) this.#rawOutput(stream, text)
      },
      gone: (end) => {
        if (isCurrent()) this.#gone(end)
      },
    })
    const worker = new LiveWorker(link)
    this.#phase = { is: "starting", worker, kind }
    return worker
  }

  #receive(message: FromWorker, parts: readonly Uint8Array[]): void {
    switch (message.type) {
      case "ready":
        this.#isReady()
        return
      case "report": {
        const run = this.head
        if (run === undefined || run.id !== message.batch)
          throw new RangeError("a report of no batch of its own")
        run.report(message, parts, this.#worker?.link.name ?? "")
        this.#advance()
        return
      }
      case "log":
      case "progress":
        this.#owner.told(message)
        return
      case "exiting":
        if (this.#phase.is !== "empty") this.#phase.worker.lastWords = message
        return
    }
  }

  #isReady(): void {
    if (this.#phase.is !== "starting") return
    this.#phase = { ...this.#phase, is: "ready", watch: new HeadWatch() }
    this.#startFailures = 0
    this.#begin(Date.now())
  }

  /** The first batch goes on; a worker that is still starting runs nothing yet. */
  #begin(nowMs: number): void {
    const phase = this.#phase
    if (this.head !== undefined && phase.is === "ready")
      phase.watch.begin(this.head, phase.worker.link.name, nowMs)
  }

  /** After tasks of the first batch have ended or were given back. */
  #advance(): void {
    const nowMs = Date.now()
    for (let run = this.head; run?.isOver; run = this.head) {
      this.runs.shift()
      run.events.closed()
    }
    if (this.head !== undefined) {
      this.#begin(nowMs)
      return
    }
    const phase = this.#phase
    if (phase.is === "ready") phase.watch.rest()
    this.#worker?.link.hold(false)
    this.#takePostponed()
  }

  #timedOut(run: LocalRun, offset: number, startedAtMs: number, graceMs: number): void {
    const worker = this.#worker?.link.name ?? ""
    run.drop(offset)
    run.events.ended(run.indexAt(offset), { kind: "timedOut", worker, startedAtMs })
    this.takeBack(() => this.endDropped(run, "timedOut", graceMs))
  }

  #tookBack(reply: ControlReply, epoch: number): void {
    const phase = this.#phase
    if (this.head !== undefined && phase.is === "ready") phase.watch.note(this.head, reply)
    for (const run of this.runs) {
      // An earlier epoch was settled when its tasks were taken back.
      if (run.epoch === epoch) run.cut(reply.next === -1 ? 0 : reply.next - run.base)
    }
    for (let i = this.runs.length - 1; i > 0; i--) {
      const run = this.runs[i]
      if (!run?.isOver) continue
      this.runs.splice(i, 1)
      run.events.closed()
    }
  }

  #rawOutput(stream: LogStream, text: string): void {
    const run = this.head
    const phase = this.#phase
    if (run === undefined || run.isOver || phase.is !== "ready") return
    run.events.log(run.indexAt(phase.watch.likelyPosition(run) - run.base), stream, text)
  }

  /** The worker has ended. What it held goes back, except the task that it died of. */
  #gone(end: WorkerEnd): void {
    const phase = this.#phase
    if (phase.is === "empty") return
    this.#phase = { is: "empty" }
    const runs = this.runs.splice(0)
    if (phase.is === "starting" && this.#startFailed(end)) {
      const message = `A worker of localhost could not start: it ${end.reason}.`
      for (const run of runs)
        run.events.closed(new BackendError(message, { backend: "localhost", retryable: false }))
    } else {
      const [head] = runs
      if (phase.is === "ready" && head !== undefined) settleHead(head, phase.worker, phase.watch, end)
      for (const run of runs) {
        run.cut(run.reported)
        run.events.closed()
      }
    }
    this.#takePostponed()
  }

  /** Whether no further attempt is worth it. */
  #startFailed({ wasKilled }: WorkerEnd): boolean {
    this.#startFailures += wasKilled ? killedStartFailure : 1
    if (this.#startFailures < maxStartFailures) return false
    this.#startFailures = 0
    return true
  }

  #takePostponed(): void {
    while (this.runs.length === 0) {
      const run = this.#postponed.shift()
      if (run === undefined) return
      this.assign(run)
    }
  }
}

function settleHead(run: LocalRun, { link, lastWords }: LiveWorker, watch: HeadWatch, end: WorkerEnd): void {
  const position = lastWords === undefined ? (end.position ?? watch.position) : lastWords.position
  const reason = lastWords !== undefined && !end.isFinal ? lastWords.reason : end.reason
  blame(run, position, link.name, reason)
}
