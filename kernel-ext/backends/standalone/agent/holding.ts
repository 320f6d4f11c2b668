import { randomUUID } from "node:crypto"
import type { TaskMessage } from "../../../protocol/queue.ts"
import type { Backend, BatchEvents, DoneTasks, RunningBatch, TaskBatch, TaskEnd } from "../../backend.ts"
import { batchOf, decodeInputs, saidDone, saidEnded } from "../messages.ts"
import type { Lent } from "../queue/pulls.ts"
import type { Queue } from "../queue/queue.ts"
import type { Contents } from "./contents.ts"
import { type History, historyOf } from "./history.ts"
import { Outbox } from "./outbox.ts"

/** What a batch needs of the agent around it. */
export interface HoldingOwner {
  /** The agent's own name: unique. */
  readonly agent: string
  readonly queue: Queue
  readonly contents: Contents
  /** Where tasks run. */
  readonly backend: Backend
  /** Runs one at a time what may end the machine. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Whether nobody waits for the batch any more. */
  isCancelled(batch: string): boolean
}

/** A task under which so many machines have ended is not tried again. */
const maxDeaths = 3

type Inputs = TaskBatch["inputs"]

/** A batch that an agent was lent: until its tasks have ended and that is recorded, or another agent gets it. */
export class Holding {
  readonly head: TaskMessage
  readonly takenAtMs = performance.now()
  /** When its tasks were given to workers. */
  begunAtMs: number | undefined
  #lent: Lent
  readonly #inputs: Inputs
  readonly #owner: HoldingOwner
  readonly #outbox: Outbox
  readonly #running = new Set<RunningBatch>()
  /** Tasks whose end nobody waits for. */
  readonly #dropped = new Set<number>()
  /** Tasks of which it is known what became of them. */
  readonly #settled = new Set<number>()
  /** Whether tasks that come back are for another agent. */
  #isLeaving = false
  #isCancelled = false

  constructor(lent: Lent, head: TaskMessage, inputs: Inputs, owner: HoldingOwner) {
    this.#lent = lent
    this.head = head
    this.#inputs = inputs
    this.#owner = owner
    const { session, jobId, batch } = head
    const subject = owner.queue.names.resultSubject(session, jobId, batch)
    // Not by how often it was lent: a server that was killed may count anew, and would take other words for the same.
    this.#outbox = new Outbox(owner.queue, subject, `${owner.agent}.${batch}.${randomUUID()}`)
  }

  get batch(): string {
    return this.head.batch
  }

  working(): void {
    this.#lent.working()
  }

  /** The lease had run out, and the server has lent it once more, to us who are still at it. */
  lentAgain(lent: Lent): void {
    this.#lent = lent
  }

  /** It has not begun: another agent may have it. */
  async giveBack(): Promise<void> {
    this.#isLeaving = true
    await this.#leave()
  }

  /** Has it end soon: what has not begun is another agent's. */
  leave(): void {
    this.#isLeaving = true
    for (const run of this.#running) run.takeBack()
  }

  takeBack(): void {
    for (const run of this.#running) run.takeBack()
  }

  cancel(indices: readonly number[] | undefined, graceMs: number): void {
    const own = [...this.head.indices]
    const wanted = new Set(indices)
    const chosen = indices === undefined ? own : own.filter((index) => wanted.has(index))
    if (indices === undefined) this.#isCancelled = true
    for (const index of chosen) this.#dropped.add(index)
    for (const run of this.#running) run.cancel(chosen, graceMs)
  }

  /** Runs its tasks. Resolves when the server keeps what became of them. */
  async run(): Promise<void> {
    this.begunAtMs = performance.now()
    if (this.#owner.isCancelled(this.batch)) {
      await this.#lent.ack()
      return
    }
    try {
      const deaths = this.#lent.deliveries - 1
      const history = deaths > 0 ? await historyOf(this.#owner.queue, this.#subject) : undefined
      const batch = await this.#load(history)
      if (batch !== undefined) {
        if (history === undefined || deaths - history.left <= 0) await this.#runAll(batch)
        else await this.#runApart(batch, history.begun)
      }
    } catch (error) {
      this.#outbox.say({ message: { type: "closed", problem: messageOf(error) }, parts: [] })
    }
    await this.#finish()
  }

  get #subject(): string {
    const { session, jobId, batch } = this.head
    return this.#owner.queue.names.resultSubject(session, jobId, batch)
  }

  /** What is left of it to run; undefined where nothing is. */
  async #load(history: History | undefined): Promise<TaskBatch | undefined> {
    const { needs, inputsAt } = this.head
    const { contents, queue } = this.#owner
    for (const index of history?.settled ?? []) this.#settled.add(index)
    const [sendings, stored] = await Promise.all([
      contents.get(needs),
      inputsAt === undefined ? undefined : queue.getObject(inputsAt),
    ])
    if (inputsAt !== undefined && stored === undefined)
      throw new Error("The tasks' inputs are not kept any more: run their map again.")
    const inputs = stored === undefined ? this.#inputs : decodeInputs(stored)
    return this.#settled.size === this.head.indices.length ? undefined : batchOf(this.head, inputs, sendings)
  }

  #runAll(batch: TaskBatch): Promise<void> {
    const positions = [...batch.indices.keys()].filter((at) => !this.#isDone(batch.indices[at] as number))
    return this.#runBatch(positions.length === batch.indices.length ? batch : subset(batch, positions))
  }

  /** An agent died of it, maybe: one task after the other, each of them recorded before it begins. */
  async #runApart(batch: TaskBatch, begun: ReadonlyMap<number, number>): Promise<void> {
    for (let at = 0; at < batch.indices.length; at++) {
      const index = batch.indices[at] as number
      if (this.#isLeaving || this.#isDone(index)) continue
      const deaths = begun.get(index) ?? 0
      if (deaths + 1 >= maxDeaths) this.#giveUp(index, deaths + 1)
      else if (deaths === 0) await this.#runRecorded(batch, at)
      else await this.#owner.alone(() => this.#runRecorded(batch, at))
    }
  }

  async #runRecorded(batch: TaskBatch, at: number): Promise<void> {
    const { agent } = this.#owner
    const index = batch.indices[at] as number
    this.#outbox.say({ message: { type: "begun", agent, index }, parts: [] })
    await this.#outbox.whenKept()
    await this.#runOne(batch, at)
  }

  #giveUp(index: number, deaths: number): void {
    const reason = `ended ${deaths} machines, one after the other: it is not tried on another one`
    this.#ended(index, { kind: "lost", worker: this.#owner.agent, reason, deaths })
  }

  #isDone(index: number): boolean {
    return this.#settled.has(index) || this.#dropped.has(index)
  }

  /** @param deaths How many workers have ended under it before. */
  async #runOne(batch: TaskBatch, at: number, deaths = 0): Promise<void> {
    if (!this.#isLeaving && !this.#isDone(batch.indices[at] as number))
      await this.#runBatch(subset(batch, [at]), deaths)
  }

  #runBatch(batch: TaskBatch, deaths = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      const suspects = new Set<number>()
      const events: BatchEvents = {
        started: (index, worker, atMs) =>
          this.#live({ type: "started", index, worker, atMs: this.#owner.queue.clock.onWire(atMs) }),
        log: (index, stream, text) =>
          this.#outbox.hold({ message: { type: "log", index, stream, text }, parts: [] }),
        progress: (index, fraction, note) => this.#live({ type: "progress", index, fraction, note }),
        done: (tasks) => this.#done(tasks),
        ended: (index, end) =>
          this.#ended(index, end.kind === "lost" && deaths > 0 ? { ...end, deaths: deaths + 1 } : end),
        returned: (indices, suspect) => {
          if (suspect) for (const index of indices) suspects.add(index)
          else this.#returned(indices)
        },
        closed: (error) => {
          this.#running.delete(run)
          if (error === undefined) this.#again(batch, suspects).then(resolve, reject)
          else reject(error)
        },
      }
      const run = this.#owner.backend.run(batch, events)
      this.#running.add(run)
      if (this.#dropped.size > 0) run.cancel([...this.#dropped], 0)
    })
  }

  /** A worker died of one of these, and it is not known of which: each runs for itself. */
  async #again(batch: TaskBatch, suspects: ReadonlySet<number>): Promise<void> {
    if (suspects.size === 0) return
    for (let at = 0; at < batch.indices.length; at++)
      if (suspects.has(batch.indices[at] as number)) await this.#runOne(batch, at, 1)
  }

  #done(tasks: DoneTasks): void {
    for (const index of tasks.indices) this.#settled.add(index)
    this.#outbox.say(saidDone(tasks, this.#owner.queue.clock.onWire))
  }

  #ended(index: number, end: TaskEnd): void {
    this.#settled.add(index)
    this.#outbox.say(saidEnded(index, end, this.#owner.queue.clock.onWire))
  }

  /** For whoever sent them to send again; or for the agent that gets the batch next. */
  #returned(indices: readonly number[]): void {
    if (this.#isLeaving) return
    for (const index of indices) this.#settled.add(index)
    this.#outbox.say({ message: { type: "returned", indices, suspect: false }, parts: [] })
  }

  #live(message: object): void {
    const { queue } = this.#owner
    const { session, jobId, batch } = this.head
    queue.tell(queue.names.liveSubject(session), JSON.stringify({ jobId, batch, ...message }))
  }

  async #finish(): Promise<void> {
    await this.#outbox.whenKept()
    const isWhole = this.head.indices.every((index) => this.#settled.has(index))
    if (this.#isLeaving && !this.#isCancelled && !isWhole) {
      await this.#leave()
      return
    }
    if (!isWhole) {
      this.#outbox.say({ message: { type: "closed" }, parts: [] })
      await this.#outbox.whenKept()
    }
    await this.#lent.ack()
  }

  async #leave(): Promise<void> {
    this.#outbox.say({ message: { type: "left", agent: this.#owner.agent }, parts: [] })
    await this.#outbox.whenKept()
    this.#lent.giveBack()
  }
}

/** Those tasks of a batch that stand at these positions. */
function subset(batch: TaskBatch, positions: readonly number[]): TaskBatch {
  const { indices, attempts, picks } = batch
  return {
    ...batch,
    indices: Uint32Array.from(positions, (at) => indices[at] as number),
    attempts: attempts && Uint16Array.from(positions, (at) => attempts[at] as number),
    picks: Uint32Array.from(positions, (at) => picks?.[at] ?? at),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
