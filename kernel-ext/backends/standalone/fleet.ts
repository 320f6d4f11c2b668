import { type AgentWord, parseAgentWord } from "../../protocol/queue.ts"
import type { WorkerState } from "../backend.ts"
import type { HostState } from "./hosts.ts"

/** An agent that has said nothing for so long is lost: it tells of itself every two seconds. */
const lostAfterMs = 7000

/** An agent that is lost is shown for so long. */
const shownMs = 60_000

interface Known {
  readonly word: AgentWord
  /** Not by a clock that may be set. */
  readonly heardAtMs: number
}

/** The pool's agents, by what they say of themselves, and the machines that are to have one. */
export class Fleet {
  readonly #agents = new Map<string, Known>()
  readonly #hosts = new Map<string, HostState>()
  /** Hosts whose agent has said farewell, and that have no other yet. */
  readonly #left = new Set<string>()
  readonly #changed: () => void

  /** @param changed Called when there are more or fewer workers than before. */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Workers of agents that take tasks. */
  get workers(): number {
    let sum = 0
    for (const known of this.#agents.values()) if (stateOf(known) === "ready") sum += known.word.workers
    return sum
  }

  get agents(): readonly AgentWord[] {
    return [...this.#agents.values()].filter((known) => stateOf(known) !== "lost").map(({ word }) => word)
  }

  get hosts(): readonly HostState[] {
    return [...this.#hosts.values()]
  }

  hear(bytes: Uint8Array): void {
    const word = parse(bytes)
    if (word === undefined) return
    const before = this.workers
    if (word.state === "gone") {
      this.#agents.delete(word.agent)
      this.#left.add(word.host)
    } else {
      this.#agents.set(word.agent, { word, heardAtMs: performance.now() })
      this.#left.delete(word.host)
    }
    if (this.workers !== before) this.#changed()
  }

  host(state: HostState): void {
    this.#hosts.set(state.name, state)
    this.#left.delete(state.name)
  }

  /** Forgets agents that have been lost for long. */
  tidy(): void {
    const before = this.workers
    for (const [agent, { heardAtMs }] of this.#agents)
      if (performance.now() - heardAtMs > shownMs) this.#agents.delete(agent)
    if (this.workers !== before) this.#changed()
  }

  /** All of them were given back. */
  clear(): void {
    this.#agents.clear()
    this.#hosts.clear()
    this.#left.clear()
    this.#changed()
  }

  /** One for each worker of an agent; one for each machine whose agent is not heard of yet, or was lost, or that costs without one. */
  workerStates(): WorkerState[] {
    const states: WorkerState[] = []
    const heard = new Set<string>()
    for (const known of this.#agents.values()) {
      const { host } = known.word
      heard.add(host)
      states.push(...statesOf(known, this.#hosts.get(host)?.usdPerHour))
    }
    for (const host of this.#hosts.values()) {
      if (heard.has(host.name)) continue
      if (!this.#left.has(host.name) || host.state !== "running" || host.isHead)
        states.push(stateOfHost(host))
      else if (host.usdPerHour !== undefined) states.push(withoutAgent(host))
    }
    return states
  }
}

function stateOfHost({ name, state, isHead, reason, usdPerHour }: HostState): WorkerState {
  if (state !== "running") return { name, state, detail: reason, usdPerHour }
  if (isHead) return { name, state: "idle", detail: "runs the queue's server", usdPerHour }
  return { name, state: "starting", detail: reason, usdPerHour }
}

/** What costs money ends with its agent, and costs until then; others' hosts stay, and have nothing to show. */
function withoutAgent({ name, usdPerHour }: HostState): WorkerState {
  return { name, state: "draining", detail: "its agent has ended", usdPerHour }
}

/** A machine's price is that of its first worker: together they cost what it costs. */
function statesOf(known: Known, usdPerHour: number | undefined): WorkerState[] {
  const { host, processes, workers, reason } = known.word
  const state = stateOf(known)
  if (state === "lost") return [{ name: host, state, detail: "its agent is not heard from any more" }]
  const states = processes.map(({ name, busy }): WorkerState => {
    if (busy) return { name, state: "busy", detail: state === "draining" ? reason : undefined }
    return state === "draining" ? { name, state, detail: reason } : { name, state: "idle" }
  })
  for (let more = processes.length; more < workers; more++)
    states.push({ name: `${host}:${more}`, state: "starting" })
  const [first, ...rest] = states
  return first === undefined || usdPerHour === undefined ? states : [{ ...first, usdPerHour }, ...rest]
}

function stateOf({ word, heardAtMs }: Known): "ready" | "draining" | "lost" {
  if (performance.now() - heardAtMs > lostAfterMs) return "lost"
  return word.state === "ready" ? "ready" : "draining"
}

function parse(bytes: Uint8Array): AgentWord | undefined {
  try {
    return parseAgentWord(
      JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()),
    )
  } catch {
    return undefined
  }
}
