import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { type AgentWord, type Lane, lanes, type Order } from "../../../protocol/queue.ts"
import type { Backend } from "../../backend.ts"
import { decodeTask } from "../messages.ts"
import { leaseMs } from "../queue/limits.ts"
import type { Lent, Pulls } from "../queue/pulls.ts"
import { Queue } from "../queue/queue.ts"
import { defaultKeepMs } from "../queue/streams.ts"
import { type AgentConfig, leaving } from "./config.ts"
import { Contents } from "./contents.ts"
import { Holding, type HoldingOwner } from "./holding.ts"
import { awsNotice, load, memoryInUse } from "./machine.ts"
import { Pass } from "./pass.ts"
import { Room } from "./room.ts"
import { Waiting } from "./waiting.ts"

/**
 * The agent of a machine: takes batches from the pool's queue, has the machine's workers run them, and records what became of them.
 * It runs no user code itself, so nothing that tasks do keeps it from renewing its leases.
 *
 *     agent.ts     its life: what it takes, what it is told, when it ends
 *     holding.ts   one batch, from its lease to its end; outbox.ts what is recorded of it, history.ts what others have
 *     room.ts      how many batches it asks for; waiting.ts those that came and wait for a worker
 *     contents.ts  what tasks need, once for the machine
 *     machine.ts   load, memory, and the notice that the machine is about to be taken away
 *     pass.ts      what it is let in with, for as long as that holds
 *     config.ts    what it is started with
 */

const heartbeatMs = 2000
const noticeEveryMs = 5000

/** How soon streams are looked for again that are not there. */
const lookAgainMs = 1000

/** Batches that were cancelled and may still come. */
const maxCancelled = 50_000

/** Why an agent ends. */
export type AgentEnd = "idle" | "limit" | "told"

export class Agent implements HoldingOwner {
  readonly agent: string
  readonly queue: Queue
  readonly contents: Contents
  readonly backend: Backend
  readonly #config: AgentConfig
  readonly #say: (text: string) => void
  readonly #pass: Pass
  readonly #pulls: Readonly<Record<Lane, Pulls>>
  readonly #room: Room
  /** Batches it was lent, by name. */
  readonly #holdings = new Map<string, Holding>()
  readonly #waiting = new Waiting()
  #active = 0
  readonly #cancelled = new Set<string>()
  readonly #timers: NodeJS.Timeout[] = []
  #alone: Promise<unknown> = Promise.resolve()
  #lastWorkAtMs = performance.now()
  #draining: { readonly reason: string; readonly end: AgentEnd } | undefined
  #ended: (end: AgentEnd) => void = () => {}

  private constructor(
    config: AgentConfig,
    backend: Backend,
    queue: Queue,
    pass: Pass,
    say: (text: string) => void,
  ) {
    this.#config = config
    this.#pass = pass
    this.agent = `${config.host}#${randomUUID().slice(0, 8)}`
    this.backend = backend
    this.queue = queue
    this.contents = new Contents(queue)
    this.#say = say
    this.#pulls = { first: queue.pulls("first"), rest: queue.pulls("rest") }
    this.#room = new Room(backend.workers)
  }

  /** Connects, for as long as it takes, and waits for the pool's streams. */
  static async start(config: AgentConfig, backend: Backend, say: (text: string) => void): Promise<Agent> {
    const { access, pool, host, makesStreams } = config
    const pass = new Pass(access.credentials)
    const queue = await Queue.open(pass.in(access), pool, { name: `cellfan agent ${host}`, patient: true })
    if (makesStreams) await queue.ensure({ keepMs: defaultKeepMs, replicas: 1 })
    await backend.open(new AbortController().signal)
    backend.expect?.(backend.workers, { isolation: "process", memoryMiB: undefined })
    for (let told = false; !(await queue.isThere().catch(() => false)); told = true) {
      if (!told) say(`Waiting for the pool ${pool}: nobody has made it yet.`)
      await sleep(lookAgainMs)
    }
    await queue.watchClock()
    return new Agent(config, backend, queue, pass, say)
  }

  /** Works until it is to end. Resolves with why; what it held has ended, or is another agent's. */
  async run(): Promise<AgentEnd> {
    const { names } = this.queue
    const ended = new Promise<AgentEnd>((resolve) => {
      this.#ended = resolve
    })
    const stopListening = this.queue.listen(names.orders, (message) => this.#obey(message.json<Order>()))
    void this.#watchConnection()
    void this.queue.connection.closed().then((error) => {
      if (error instanceof Error) this.#say(`The queue's server lets us in no more: ${error.message}`)
      this.#ended("told")
    })
    for (const lane of lanes)
      this.#pulls[lane].start(
        (lent) => this.#take(lent, lane),
        () => this.#ask(),
      )
    this.#every(heartbeatMs, () => this.#tellOfItself())
    this.#every(leaseMs / 3, () => {
      for (const holding of this.#holdings.values()) holding.working()
    })
    this.#every(100, () => this.#tick())
    if (this.#config.notices === "aws") this.#every(noticeEveryMs, () => void this.#lookForNotice())
    this.#tellOfItself()
    this.#ask()
    const end = await ended
    for (const timer of this.#timers) clearInterval(timer)
    this.#stopPulls()
    stopListening()
    this.#tellOfItself("gone")
    await this.queue.connection.flush().catch(() => {})
    await this.queue.close()
    await this.backend.close()
    return end
  }

  /** Takes no further batch, and ends when those that run have ended; what waits is another agent's. */
  drain(reason: string, end: AgentEnd = "told"): void {
    if (this.#draining !== undefined) return
    this.#draining = { reason, end }
    this.#say(`${leaving}${reason}.`)
    this.#stopPulls()
    for (const holding of this.#waiting.takeWhile(() => true)) void this.#giveBack(holding)
    for (const holding of this.#holdings.values()) holding.leave()
    this.#tellOfItself()
    this.#endIfEmpty()
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#alone.then(work)
    this.#alone = turn.catch(() => {})
    return turn
  }

  isCancelled(batch: string): boolean {
    return this.#cancelled.has(batch)
  }

  #every(ms: number, work: () => void): void {
    this.#timers.push(setInterval(work, ms))
  }

  #ask(): void {
    if (this.#draining !== undefined) return
    const { first, rest } = this.#pulls
    const held = this.#holdings.size
    const more = this.#room.wantedFirst(held) - first.asked - this.#waiting.in("first")
    if (more > 0) first.ask(more)
    const wanted = this.#room.wanted(held) - rest.asked
    if (wanted > 0) rest.ask(wanted)
  }

  #stopPulls(): void {
    for (const lane of lanes) this.#pulls[lane].stop()
  }

  #take(lent: Lent, lane: Lane): void {
    let task: ReturnType<typeof decodeTask>
    try {
      task = decodeTask(lent.bytes)
      if (task.head.version !== 1) throw new TypeError("a batch of another version of cellfan")
    } catch (error) {
      this.#say(`Dropped ${error instanceof Error ? error.message : error}.`)
      void lent.ack().catch(() => {})
      return
    }
    const { head, inputs, carried } = task
    this.contents.add(carried)
    const held = this.#holdings.get(head.batch)
    if (held !== undefined) {
      held.lentAgain(lent)
      return
    }
    const holding = new Holding(lent, head, inputs, this)
    this.#holdings.set(head.batch, holding)
    this.#lastWorkAtMs = performance.now()
    if (this.#draining !== undefined) void this.#giveBack(holding)
    else this.#waiting.add(holding, lane)
    this.#begin()
  }

  /** Gives what waits to workers that have nothing to do. */
  #begin(): void {
    while (this.#active < this.backend.workers) {
      const holding = this.#waiting.next()
      if (holding === undefined) break
      this.#active++
      holding.run().then(
        () => this.#over(holding),
        (error: Error) => {
          this.#say(`A batch could not be recorded: ${error.message}`)
          this.#over(holding)
        },
      )
    }
    this.#ask()
  }

  #over(holding: Holding): void {
    this.#active--
    this.#holdings.delete(holding.batch)
    this.#lastWorkAtMs = performance.now()
    this.#room.took(performance.now() - (holding.begunAtMs ?? holding.takenAtMs))
    this.#begin()
    this.#endIfEmpty()
  }

  async #giveBack(holding: Holding): Promise<void> {
    await holding.giveBack().catch((error: Error) => this.#say(error.message))
    this.#holdings.delete(holding.batch)
    this.#endIfEmpty()
  }

  #obey(order: Order): void {
    switch (order.type) {
      case "who":
        this.#tellOfItself()
        return
      case "cancel":
        for (const batch of order.batches) this.#cancel(batch, order.indices, order.graceMs)
        return
      case "cancelJob":
        for (const holding of this.#holdings.values())
          if (holding.head.jobId === order.jobId) holding.cancel(order.indices, order.graceMs)
        return
      case "takeBack":
        this.#holdings.get(order.batch)?.takeBack()
        return
      case "forget":
        this.backend.forget(order.jobId)
        return
      case "renew":
        this.#pass.renew(order.credentials)
        return
      case "drain":
        if (order.host === undefined || order.host === this.#config.host) this.drain(order.reason)
        return
    }
  }

  #cancel(batch: string, indices: readonly number[] | undefined, graceMs: number): void {
    this.#holdings.get(batch)?.cancel(indices, graceMs)
    if (indices !== undefined) return
    this.#cancelled.add(batch)
    const [oldest] = this.#cancelled
    if (this.#cancelled.size > maxCancelled && oldest !== undefined) this.#cancelled.delete(oldest)
  }

  #tick(): void {
    const now = performance.now()
    for (const holding of this.#waiting.takeWhile(({ takenAtMs }) => this.#room.isStale(now - takenAtMs))) {
      this.#room.wasStale()
      void this.#giveBack(holding)
    }
    this.#ask()
    if (this.#draining !== undefined) return
    const { idleMs, hardMs } = this.#config
    const uptimeMs = process.uptime() * 1000
    if (this.#pass.isEnding)
      this.drain("what it is let in with ends, and no kernel has given it anything new")
    else if (hardMs !== undefined && uptimeMs > hardMs)
      this.drain(`it has run for ${seconds(hardMs)}`, "limit")
    else if (idleMs !== undefined && this.#holdings.size === 0 && now - this.#lastWorkAtMs > idleMs)
      this.drain(`it had nothing to do for ${seconds(idleMs)}`, "idle")
  }

  #endIfEmpty(): void {
    if (this.#draining !== undefined && this.#holdings.size === 0) this.#ended(this.#draining.end)
  }

  #tellOfItself(state: AgentWord["state"] = this.#draining === undefined ? "ready" : "draining"): void {
    const { host } = this.#config
    const { workers } = this.backend
    const processes = this.backend.workerStates?.() ?? []
    const word: AgentWord = {
      type: "agent",
      ...{ agent: this.agent, host, state, workers, idle: Math.max(0, workers - this.#active) },
      reason: this.#draining?.reason,
      processes: processes.map((one) => ({ name: one.name, busy: one.state === "busy" })),
      ...{ load: load(), memory: memoryInUse(), version: this.#config.cellfan },
    }
    this.queue.tell(this.queue.names.agents, JSON.stringify(word))
  }

  async #lookForNotice(): Promise<void> {
    const reason = await awsNotice()
    if (reason !== undefined) this.drain(reason)
  }

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.queue.connection.status()) {
      if (type === "disconnect") this.#say("The link to the queue's server is lost; what runs goes on.")
      if (type !== "reconnect") continue
      this.#say("The link to the queue's server is back.")
      void this.queue.watchClock()
      this.#stopPulls()
      this.#tellOfItself()
      this.#ask()
    }
  }
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} minutes`
}
