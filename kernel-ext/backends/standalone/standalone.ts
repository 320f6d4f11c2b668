import { randomUUID } from "node:crypto"
import { BackendError } from "../../errors.ts"
import { type Order, parseAgentMessage, parseJobRecord } from "../../protocol/queue.ts"
import { cellfanVersion } from "../../util/version.ts"
import type { Backend, BatchEvents, CleanScope, RunningBatch, TaskBatch, WorkerState } from "../backend.ts"
import { sendingsOf } from "../sendings.ts"
import { SentContents } from "./contents.ts"
import { standaloneFacts } from "./facts.ts"
import { Fleet } from "./fleet.ts"
import type { HostEvents } from "./hosts.ts"
import { JobRecords } from "./job-records.ts"
import { answerQuestions } from "./kernel-question.ts"
import { encodeInputs, encodeTask, type Said } from "./messages.ts"
import { CostMeter } from "./meter.ts"
import type { PoolMachines, ReachedPool } from "./pool.ts"
import { Publications } from "./publications.ts"
import type { QueueAccess } from "./queue/access.ts"
import { inlineBytes } from "./queue/limits.ts"
import type { Queue } from "./queue/queue.ts"
import { InOrder, saidIn } from "./recorded.ts"
import { type RunOwner, StandaloneRun } from "./run.ts"

/**
 * Tasks on machines of one's own, by way of a queue that outlives this process: NATS JetStream.
 *
 *     standalone.ts  which batch goes into the queue, and who hears what became of it
 *     run.ts         a batch on its way
 *     fleet.ts       the agents there are, and the machines that are to have one
 *     meter.ts       what machines cost, told to jobs
 *     contents.ts    what tasks need, sent once
 *     job-records.ts  what others find jobs by; kernel-question.ts what they ask
 *     facts.ts       what is known of it before this is loaded
 *     messages.ts    what travels, in bytes
 *     publications.ts  batches on their way into the queue
 *     queue/         the server, as both sides use it
 *     agent/         what runs on the machines
 *     hosts.ts       what brings machines up: ssh/, ec2/
 *     pool.ts        a server and agents on them; head/ is what that server is started with
 *
 * The words of the wire are in protocol/queue.ts.
 */
export interface StandaloneSettings {
  readonly name: string
  readonly pool: string
  /** The queue's servers, where they are somebody else's. */
  readonly access?: QueueAccess | undefined
  /** What brings machines up; none where somebody else starts agents. */
  readonly machines?: PoolMachines | undefined
  /** How long the server keeps tasks, results and what they need. */
  readonly keepMs: number
  readonly replicas: number
  /** Workers to count on before any agent was heard of. */
  readonly expectedWorkers: number
  /** Told in one line of text what takes long, or what a user is to know. */
  readonly onProgress?: (text: string) => void
}

/** How long an opening kernel waits for agents to tell of themselves. */
const rollCallMs = 300

/** An agent that was started on a machine is heard of within this time. */
const startingMs = 15_000

const tidyEveryMs = 2000

/** An order may be lost with its link: it is said again so often, a second apart. */
const orderTimes = 3

/** Last words to a server that may be gone. */
const goodbyeMs = 1000

/** Batches of a job for each worker that go before those that other jobs have handed over ahead. */
const firstPerWorker = 2

/** An order is one message. */
const batchesPerOrder = 5000

export class StandaloneBackend implements Backend, RunOwner {
  readonly name: string
  readonly remote = standaloneFacts.remote
  readonly batchMs = standaloneFacts.batchMs
  readonly ahead = standaloneFacts.ahead
  readonly supports = standaloneFacts.supports
  /** Begins the subjects of this kernel's results: others do not hear them. */
  readonly session = randomUUID().slice(0, 8)
  readonly #settings: StandaloneSettings
  readonly #runs = new Map<string, StandaloneRun>()
  /** By job: its batches that are not over. */
  readonly #underWay = new Map<string, number>()
  /** The newest batch of each job: who hears what comes late. */
  readonly #newest = new Map<string, BatchEvents>()
  readonly #fleet: Fleet
  readonly #meter = new CostMeter(() => this.#fleet.hosts)
  /** Batches by job, of which all is cancelled. */
  readonly #cancelling = new Map<string, string[]>()
  readonly #purging = new Set<Promise<void>>()
  readonly #publications = new Publications()
  readonly #inOrder = new InOrder()
  #queue: Queue | undefined
  #contents: SentContents | undefined
  #records: JobRecords | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #tidying: NodeJS.Timeout | undefined
  #renewal: ReachedPool["renewal"]
  #renewing: NodeJS.Timeout | undefined
  #nextBatch = 0
  readonly #repeats = new Set<NodeJS.Timeout>()

  constructor(settings: StandaloneSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#fleet = new Fleet(() => {})
  }

  get workers(): number {
    return Math.max(1, this.#fleet.workers || this.#settings.expectedWorkers)
  }

  get idle(): number {
    return Math.max(0, this.#fleet.workers - this.#runs.size)
  }

  get fleet(): Fleet {
    return this.#fleet
  }

  workerStates(): WorkerState[] {
    return this.#fleet.workerStates()
  }

  open(signal: AbortSignal): Promise<void> {
    this.#opening ??= this.#open(signal)
    this.#opening.catch(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    const underWay = this.#underWay.get(batch.jobId) ?? 0
    const lane = underWay < firstPerWorker * this.workers ? "first" : "rest"
    const run = new StandaloneRun(`${this.session}-${this.#nextBatch++}`, lane, batch, events, this)
    this.#underWay.set(batch.jobId, underWay + 1)
    this.#runs.set(run.id, run)
    this.#newest.set(batch.jobId, events)
    this.#meter.began(batch.jobId, batch.job?.startedAtMs ?? Date.now(), (usd) =>
      this.#spent(batch.jobId, usd),
    )
    this.#records?.note(batch)
    this.#send(run, batch).catch((error: Error) => run.close(error))
    return run
  }

  forget(jobId: string): void {
    this.#newest.delete(jobId)
    this.#records?.end(jobId)
    this.#contents?.forget(`job-${jobId}`)
    this.#queue?.order({ type: "forget", jobId })
  }

  takeBack(run: StandaloneRun): void {
    this.#queue?.order({ type: "takeBack", batch: run.id })
  }

  cancel(run: StandaloneRun, indices: readonly number[] | undefined, graceMs: number): void {
    if (indices !== undefined) {
      this.#orderOften({ type: "cancel", batches: [run.id], indices, graceMs })
      return
    }
    // A job is cancelled batch by batch, and there may be thousands: looked at when they all were.
    const batches = this.#cancelling.get(run.jobId)
    if (batches !== undefined) {
      batches.push(run.id)
      return
    }
    this.#cancelling.set(run.jobId, [run.id])
    queueMicrotask(() => this.#cancelled(run.jobId, graceMs))
  }

  here(ms: number): number {
    return this.#queue?.clock.here(ms) ?? ms
  }

  ending(): void {
    this.#meter.ending()
  }

  over(run: StandaloneRun): void {
    this.#runs.delete(run.id)
    const left = (this.#underWay.get(run.jobId) ?? 1) - 1
    if (left > 0) this.#underWay.set(run.jobId, left)
    else this.#underWay.delete(run.jobId)
    this.#meter.ended(run.jobId)
  }

  /** Ends what runs, and gives back machines: the pool's, or all that cellfan has made there. */
  async clean(scope: CleanScope): Promise<void> {
    for (const run of [...this.#runs.values()]) run.cancel(run.openIndices, 0)
    const { machines, onProgress } = this.#settings
    if (machines === undefined) return
    await Promise.all(this.#purging)
    const gone = await machines.provider.clean(scope)
    if (machines.access === undefined) {
      const { forgetIdentity } = await import("./head/identity.ts")
      forgetIdentity(machines.provider.name, machines.pool)
    }
    if (gone.length > 0) onProgress?.(`Gave back ${gone.join(", ")}.`)
    await this.#letGo()
    this.#fleet.clear()
    this.#opening = undefined
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => {})
    await this.#letGo()
    await this.#settings.machines?.provider.close()
    for (const run of [...this.#runs.values()]) run.close(closedError(this.name))
    this.#meter.close()
  }

  /** Of the queue, which may be gone. */
  async #letGo(): Promise<void> {
    clearInterval(this.#tidying)
    clearTimeout(this.#renewing)
    this.#records?.close()
    for (const timer of this.#repeats) clearTimeout(timer)
    const queue = this.#queue
    await Promise.all(this.#purging)
    const flushed = queue?.connection.flush().catch(() => {})
    await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, goodbyeMs).unref())])
    await queue?.close()
    this.#queue = undefined
    this.#contents = undefined
    this.#records = undefined
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { pool, keepMs, replicas } = this.#settings
    const [access, { Queue }] = await Promise.all([this.#reach(signal), import("./queue/queue.ts")])
    const queue = await Queue.open(access, pool, { name: `cellfan kernel ${cellfanVersion()}` })
    try {
      await queue.ensure({ keepMs, replicas })
      const looked = queue.watchClock()
      queue.listen(queue.names.agents, ({ data }) => this.#fleet.hear(data))
      queue.listen(queue.names.liveSubject(this.session), ({ data }) => this.#hearLive(data))
      queue.listen(queue.names.orders, (message) => this.#cancelledElsewhere(message.json<Order>()))
      answerQuestions(queue, this.session, (jobId) => this.#newest.get(jobId)?.knowledge)
      const filter = [queue.names.resultSubject(this.session, "*", "*"), queue.names.jobSubject("*")]
      await queue.read(filter, "new", (subject, bytes) => {
        if (subject.startsWith(queue.names.jobSubject(""))) this.#hearRecord(bytes)
        else this.#hear(subject, bytes)
      })
      await looked
    } catch (error) {
      await queue.close()
      throw error
    }
    this.#queue = queue
    this.#contents = new SentContents(queue, keepMs)
    this.#records = new JobRecords(queue, this.session)
    this.#tidying = setInterval(() => this.#fleet.tidy(), tidyEveryMs)
    this.#tidying.unref()
    this.#renewCredentials()
    await this.#callTheRoll(queue)
  }

  /** Also of agents that another kernel has started. */
  #renewCredentials(): void {
    const renewal = this.#renewal
    if (renewal === undefined) return
    this.#queue?.order({ type: "renew", credentials: renewal.credentials() })
    this.#renewing = setTimeout(() => this.#renewCredentials(), renewal.everyMs)
    this.#renewing.unref()
  }

  /** The server first: it is there before agents look for it. */
  async #reach(signal: AbortSignal): Promise<QueueAccess> {
    const { access, machines } = this.#settings
    if (machines === undefined) {
      if (access !== undefined) return access
      throw new BackendError("No servers of a queue are named.", { backend: this.name, retryable: false })
    }
    const events: HostEvents = {
      host: (state) => this.#fleet.host(state),
      say: (text) => this.#settings.onProgress?.(text),
    }
    const { bringServerUp, startAgents } = await import("./pool.ts")
    const reached = await bringServerUp(machines, events, signal)
    await startAgents(machines, reached.agents, events, signal)
    this.#renewal = reached.renewal
    return reached.kernel
  }

  async #callTheRoll(queue: Queue): Promise<void> {
    queue.order({ type: "who" })
    const end = Date.now() + rollCallMs
    while (this.#fleet.workers === 0 && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 10))
    // Agents that were started a moment ago are on their way.
    const tell = () => this.#tellWhereNobodyIs()
    if (this.#settings.machines === undefined) tell()
    else setTimeout(tell, startingMs).unref()
  }

  #spent(jobId: string, usd: number): void {
    this.#newest.get(jobId)?.spent?.(usd)
  }

  #tellWhereNobodyIs(): void {
    if (this.#fleet.workers > 0 || this.#closing !== undefined) return
    this.#settings.onProgress?.(
      `No agent of the pool "${this.#settings.pool}" is there yet: tasks wait in the queue for one.`,
    )
  }

  async #send(run: StandaloneRun, batch: TaskBatch): Promise<void> {
    const queue = this.#queue
    const contents = this.#contents
    if (queue === undefined || contents === undefined)
      throw new BackendError(`The backend ${this.name} is not open.`, {
        backend: this.name,
        retryable: false,
      })
    const needed = sendingsOf(batch).contents
    const carried = await contents.put(needed)
    if (run.isClosed) return
    const { jobId, indices, attempts, timeoutMs, memoryMiB, inputs } = batch
    const head = {
      ...{ version: 1 as const, session: this.session, jobId, batch: run.id, needs: [...needed.keys()] },
      ...{ indices, attempts, timeoutMs, memoryMiB },
    }
    const size = inputs.blobs.reduce((sum, blob) => sum + blob.byteLength, inputs.bytes.byteLength)
    const isSmall = size + 8 * indices.length <= inlineBytes
    const inputsAt = isSmall ? undefined : `input/${jobId}/${run.id}`
    if (inputsAt !== undefined) await queue.putObject(inputsAt, encodeInputs(inputs))
    if (run.isClosed) return
    const message = encodeTask({
      head: inputsAt === undefined ? head : { ...head, inputsAt },
      inputs: isSmall ? inputs : undefined,
      carried,
    })
    await this.#publications.add(
      () => !run.isClosed,
      () => queue.publish(queue.names.taskSubject(run.lane, this.session, jobId), message, run.id),
    )
  }

  /** Another process has cancelled one of our jobs, or tasks of it: they are not to be sent again. */
  #cancelledElsewhere(order: Order): void {
    if (order.type === "cancelJob") this.#newest.get(order.jobId)?.cancelled?.(order.indices)
  }

  /** The same, of a whole job, as it is kept: the order may have come while there was no link. */
  #hearRecord(bytes: Uint8Array): void {
    const record = parseJobRecord(bytes)
    if (record?.end === "cancelled" && record.session === this.session)
      this.#newest.get(record.jobId)?.cancelled?.()
  }

  /** What agents have recorded. */
  #hear(subject: string, bytes: Uint8Array): void {
    const queue = this.#queue
    const [jobId = "", batch = ""] = subject.split(".").slice(-2)
    if (queue === undefined) return
    const failed = (error: Error): void => this.#runs.get(batch)?.close(unreadable(this.name, error))
    try {
      const hear = (said: readonly Said[]): void => {
        for (const one of said) this.#hearOne(this.#runs.get(batch), jobId, one)
      }
      this.#inOrder.add(saidIn(queue, bytes), hear, failed)
    } catch (error) {
      failed(error as Error)
    }
  }

  #hearOne(run: StandaloneRun | undefined, jobId: string, said: Said): void {
    const { message } = said
    if (run !== undefined) run.hear(said)
    else if (message.type === "log") this.#newest.get(jobId)?.log(message.index, message.stream, message.text)
  }

  #hearLive(bytes: Uint8Array): void {
    let value: { batch?: unknown }
    try {
      value = JSON.parse(Buffer.from(bytes).toString())
    } catch {
      return
    }
    const message = parseAgentMessage(value)
    const run = this.#runs.get(String(value.batch))
    if (message?.type === "started") run?.started(message.index, message.worker, message.atMs)
    else if (message?.type === "progress") run?.progress(message.index, message.fraction, message.note)
  }

  #cancelled(jobId: string, graceMs: number): void {
    const batches = this.#cancelling.get(jobId) ?? []
    this.#cancelling.delete(jobId)
    const queue = this.#queue
    if (queue === undefined) return
    for (let at = 0; at < batches.length; at += batchesPerOrder)
      this.#orderOften({ type: "cancel", batches: batches.slice(at, at + batchesPerOrder), graceMs })
    if ([...this.#runs.values()].some((run) => run.jobId === jobId)) return
    const purging = this.#publications
      .settled()
      .then(() => queue.purge(queue.names.taskSubject("*", this.session, jobId)))
      .then(
        () => {},
        () => {},
      )
    this.#purging.add(purging)
    void purging.then(() => this.#purging.delete(purging))
  }

  #orderOften(order: Parameters<Queue["order"]>[0], times = orderTimes): void {
    this.#queue?.order(order)
    if (times === 1) return
    const timer = setTimeout(() => {
      this.#repeats.delete(timer)
      this.#orderOften(order, times - 1)
    }, 1000)
    timer.unref()
    this.#repeats.add(timer)
  }
}

function closedError(name: string): BackendError {
  return new BackendError(`The backend ${name} was closed.`, { backend: name, retryable: false })
}

function unreadable(name: string, cause: Error): BackendError {
  return new BackendError(`An agent said what cannot be read: ${cause.message}`, {
    ...{ backend: name, retryable: false, cause },
  })
}
