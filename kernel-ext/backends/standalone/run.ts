import type { Lane } from "../../protocol/queue.ts"
import { type BatchEvents, type DoneTasks, noTask, type RunningBatch, type TaskBatch } from "../backend.ts"
import { doneOf, endOf, type Said } from "./messages.ts"

/** What a batch needs of the backend around it. */
export interface RunOwner {
  takeBack(run: StandaloneRun): void
  cancel(run: StandaloneRun, indices: readonly number[] | undefined, graceMs: number): void
  /** Tasks of a batch have ended, perhaps the last of its job, and are about to be told. */
  ending(): void
  over(run: StandaloneRun): void
  /** Turns a time of the wire into one of ours. */
  here(ms: number): number
}

/** A batch that is in the queue or with an agent, and what was heard of its tasks: of each once, whoever says it how often. */
export class StandaloneRun implements RunningBatch {
  readonly id: string
  readonly lane: Lane
  readonly jobId: string
  readonly events: BatchEvents
  readonly #owner: RunOwner
  /** Tasks that have not ended, by whether they have started. */
  readonly #open: Map<number, boolean>
  readonly #dropped = new Set<number>()
  #isClosed = false
  #hasBegun = false

  constructor(id: string, lane: Lane, { jobId, indices }: TaskBatch, events: BatchEvents, owner: RunOwner) {
    this.id = id
    this.lane = lane
    this.jobId = jobId
    this.events = events
    this.#owner = owner
    this.#open = new Map(Array.from(indices, (index) => [index, false]))
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Only what is with an agent can wait behind others: what is in the queue goes to whoever is free. */
  get waiting(): number {
    if (this.#isClosed || !this.#hasBegun) return 0
    let count = 0
    for (const hasStarted of this.#open.values()) if (!hasStarted) count++
    return count
  }

  /** Tasks that have not ended. */
  get openIndices(): number[] {
    return [...this.#open.keys()]
  }

  /** Whether all of its tasks that are left were cancelled. */
  get isCancelled(): boolean {
    return [...this.#open.keys()].every((index) => this.#dropped.has(index))
  }

  takeBack(): void {
    if (!this.#isClosed) this.#owner.takeBack(this)
  }

  cancel(indices: readonly number[], graceMs: number): void {
    if (this.#isClosed) return
    const chosen = indices.filter((index) => this.#open.has(index))
    if (chosen.length === 0) return
    for (const index of chosen) this.#dropped.add(index)
    const isWhole = this.isCancelled
    this.#owner.cancel(this, isWhole ? undefined : chosen, graceMs)
    // What an agent is still to end has nobody who waits for it.
    if (isWhole) this.close()
  }

  started(index: number, worker: string, atMs: number): void {
    this.#hasBegun = true
    if (this.#open.get(index) !== false) return
    this.#open.set(index, true)
    if (!this.#dropped.has(index)) this.events.started(index, worker, this.#here(atMs))
  }

  progress(index: number, fraction: number, note: string | undefined): void {
    if (this.#open.has(index) && !this.#dropped.has(index)) this.events.progress(index, fraction, note)
  }

  /** @throws RangeError where a message's parts are not what it says. */
  hear(said: Said): void {
    const { message } = said
    this.#hasBegun = true
    if (message.type !== "log") this.#owner.ending()
    switch (message.type) {
      case "done":
        this.#done(doneOf(said, this.#here))
        break
      case "ended":
        if (this.#settle(message.index)) this.events.ended(message.index, endOf(said, this.#here))
        break
      case "returned":
        this.#return(message.indices)
        break
      case "log":
        this.events.log(message.index, message.stream, message.text)
        return
      case "closed":
        if (message.problem === undefined) this.#return([...this.#open.keys()])
        else for (const index of [...this.#open.keys()]) this.#fail(index, message.problem)
        break
      default:
        return
    }
    if (this.#open.size === 0) this.close()
  }

  /** Nothing more is waited for. With an error: no task of it can be run. */
  close(error?: Error): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#open.clear()
    // First: whoever hears that it is closed looks for workers that have nothing to do.
    this.#owner.over(this)
    this.events.closed(error)
  }

  readonly #here = (ms: number): number => this.#owner.here(ms)

  #done(tasks: DoneTasks): void {
    // Copied: what was told before, or was cancelled, is none that anybody waits for.
    const indices = tasks.indices.map((index) =>
      this.#open.has(index) && !this.#dropped.has(index) ? index : noTask,
    )
    tasks.indices.forEach((index, i) => {
      if (this.#open.get(index) === false && indices[i] !== noTask) this.#startedBefore(tasks, i)
      this.#open.delete(index)
    })
    if (indices.some((index) => index !== noTask)) this.events.done({ ...tasks, indices })
  }

  /** Word of the start may be later than that of the end, which is kept. Only the first of a batch is told for itself. */
  #startedBefore({ worker, indices, startedAtMs }: DoneTasks, i: number): void {
    if (i === 0) this.events.started(indices[i] as number, worker, startedAtMs[i] as number)
  }

  #return(indices: readonly number[]): void {
    const kept = indices.filter((index) => this.#settle(index))
    if (kept.length > 0) this.events.returned(kept, false)
  }

  #fail(index: number, problem: string): void {
    if (!this.#settle(index)) return
    const now = Date.now()
    this.events.ended(index, {
      ...{ kind: "threw", worker: "", name: "Error", message: problem, stack: `Error: ${problem}` },
      ...{ error: undefined, startedAtMs: now, endedAtMs: now },
    })
  }

  /** Whether somebody waits for what became of the task. */
  #settle(index: number): boolean {
    return this.#open.delete(index) && !this.#dropped.has(index)
  }
}
