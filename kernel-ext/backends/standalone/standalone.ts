import { randomUUID } from "node:crypto"
import { BackendError } from "../../errors.ts"
import { cellfanVersion } from "../../util/version.ts"
import type { Backend, BatchEvents, CleanScope, RunningBatch, TaskBatch, WorkerState } from "../backend.ts"
import { Cancelling } from "./cancelling.ts"
import { Dispatch } from "./dispatch.ts"
import { standaloneFacts } from "./facts.ts"
import { Fleet } from "./fleet.ts"
import { Hearing } from "./hearing.ts"
import type { HostEvents } from "./hosts.ts"
import { JobRecords } from "./job-records.ts"
import { CostMeter } from "./meter.ts"
import type { PoolMachines, ReachedPool } from "./pool.ts"
import type { QueueAccess } from "./queue/access.ts"
import type { Queue } from "./queue/queue.ts"
import { type RunOwner, StandaloneRun } from "./run.ts"

/**
 * Tasks on machines of one's own, by way of a queue that outlives this process: NATS JetStream.
 *
 *     standalone.ts  its life
 *     dispatch.ts    how a batch gets into the queue
 *     hearing.ts     who hears what became of a batch; cancelling.ts how batches are cancelled
 *     run.ts         a batch on its way
 *     fleet.ts       the agents there are, and the machines that are to have one
 *     meter.ts       what machines cost, told to jobs
 *     contents.ts    what tasks need, sent once
 *     job-records.ts  what others find jobs by; kernel-question.ts what they ask;
 *                    follow.ts a job that others look at, held-ends.ts how its tasks ended
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

/** Last words to a server that may be gone. */
const goodbyeMs = 1000

/** Batches of a job for each worker that go before those that other jobs have handed over ahead. */
const firstPerWorker = 2

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
  readonly #cancelling: Cancelling
  #queue: Queue | undefined
  #dispatch: Dispatch | undefined
  #records: JobRecords | undefined
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #tidying: NodeJS.Timeout | undefined
  #renewal: ReachedPool["renewal"]
  #renewing: NodeJS.Timeout | undefined
  #nextBatch = 0

  constructor(settings: StandaloneSettings) {
    this.name = settings.name
    this.#settings = settings
    this.#fleet = new Fleet(() => {})
    const queueOf = () => this.#queue
    this.#cancelling = new Cancelling({
      get queue() {
        return queueOf()
      },
      isUnderWay: (jobId) => [...this.#runs.values()].some((run) => run.jobId === jobId),
      published: async () => this.#dispatch?.settled(),
      purge: (queue, jobId) => queue.purge(queue.names.taskSubject("*", this.session, jobId)),
    })
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
    const sent = this.#dispatch?.send(run, batch) ?? Promise.reject(notOpen(this.name))
    sent.catch((error: Error) => run.close(error))
    return run
  }

  forget(jobId: string): void {
    this.#newest.delete(jobId)
    this.#records?.end(jobId)
    this.#dispatch?.forget(jobId)
    this.#queue?.order({ type: "forget", jobId })
  }

  takeBack(run: StandaloneRun): void {
    this.#queue?.order({ type: "takeBack", batch: run.id })
  }

  cancel(run: StandaloneRun, indices: readonly number[] | undefined, graceMs: number): void {
    this.#cancelling.cancel(run, indices, graceMs)
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
    await this.#cancelling.settled()
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
    this.#cancelling.close()
    const queue = this.#queue
    await this.#cancelling.settled()
    const flushed = queue?.connection.flush().catch(() => {})
    await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, goodbyeMs).unref())])
    await queue?.close()
    this.#queue = undefined
    this.#dispatch = undefined
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
      await Hearing.begin(queue, this.session, {
        run: (batch) => this.#runs.get(batch),
        newest: (jobId) => this.#newest.get(jobId),
        unreadable: (batch, error) => this.#runs.get(batch)?.close(unreadable(this.name, error)),
      })
      await looked
    } catch (error) {
      await queue.close()
      throw error
    }
    this.#queue = queue
    this.#dispatch = new Dispatch(queue, this.session, keepMs)
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
}

function notOpen(name: string): BackendError {
  return new BackendError(`The backend ${name} is not open.`, { backend: name, retryable: false })
}

function closedError(name: string): BackendError {
  return new BackendError(`The backend ${name} was closed.`, { backend: name, retryable: false })
}

function unreadable(name: string, cause: Error): BackendError {
  return new BackendError(`An agent said what cannot be read: ${cause.message}`, {
    ...{ backend: name, retryable: false, cause },
  })
}
