import type { HostEvents, HostState } from "../hosts.ts"
import type { Ec2Api } from "./api.ts"
import { isThere, type ListedInstance, listInstances } from "./inventory.ts"
import { ended, logMark } from "./user-data.ts"

/** What became of a pool's instances: looked at again and again, and told when it changes. */

export interface FleetOptions {
  readonly pool: string
  /** Hash of the agent: those with another one speak another language. */
  readonly agent: string
  readonly pollMs: { readonly pending: number; readonly steady: number }
  priceOf(instance: ListedInstance): Promise<number | undefined>
}

export class Fleet {
  readonly #api: Ec2Api
  readonly #options: FleetOptions
  readonly #known = new Map<string, HostState>()
  readonly #prices = new Map<string, Promise<number | undefined>>()
  #events: HostEvents | undefined
  #timer: NodeJS.Timeout | undefined
  #waiting: (() => void)[] = []
  #looking: Promise<void> | undefined
  #isClosed = false

  constructor(api: Ec2Api, options: FleetOptions) {
    this.#api = api
    this.#options = options
  }

  get hosts(): readonly HostState[] {
    return [...this.#known.values()]
  }

  /** Instances that count: they run, or are about to. */
  get alive(): readonly HostState[] {
    return this.hosts.filter(({ state }) => state === "running" || state === "pending")
  }

  /** Begins to watch: these, and all that the pool has already. */
  watch(events: HostEvents): void {
    this.#events = events
  }

  /** New ones, which a listing may not show yet. */
  expect(ids: readonly string[]): void {
    for (const id of ids) this.#tell({ name: id, state: "pending", sinceMs: Date.now() })
    this.#schedule(this.#options.pollMs.pending)
  }

  /** Resolves when so many run, or when none is pending any more. */
  async running(count: number, signal: AbortSignal): Promise<void> {
    const isDone = () => {
      const states = this.hosts.map(({ state }) => state)
      return states.filter((state) => state === "running").length >= count || !states.includes("pending")
    }
    while (!isDone()) {
      signal.throwIfAborted()
      await this.#changed(signal)
    }
  }

  /** Looks now. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#wake()
  }

  async #look(): Promise<void> {
    const instances = await listInstances(this.#api, { pool: this.#options.pool })
    const workers = instances.filter(({ role, agent }) => role === "worker" && agent === this.#options.agent)
    await Promise.all(workers.map((instance) => this.#see(instance)))
    this.#wake()
    const isPending = this.hosts.some(({ state }) => state === "pending")
    this.#schedule(isPending ? this.#options.pollMs.pending : this.#options.pollMs.steady)
  }

  async #see(instance: ListedInstance): Promise<void> {
    const before = this.#known.get(instance.id)
    if (before === undefined && !isThere(instance)) return
    if (before !== undefined && (before.state === "lost" || before.state === "failed")) return
    const usdPerHour = await this.#price(instance)
    const base = {
      name: instance.id,
      sinceMs: instance.launchedAtMs || Date.now(),
      ...(usdPerHour !== undefined && { usdPerHour }),
    }
    if (isThere(instance)) {
      const state = instance.state === "running" ? "running" : "pending"
      if (before?.state !== state || before.usdPerHour !== usdPerHour) this.#tell({ ...base, state })
      return
    }
    this.#tell({ ...base, ...(await this.#endOf(instance, before?.state)) })
  }

  /** Why an instance is gone: in EC2's words, or its own where it ended itself. */
  async #endOf(
    { id, endReason = "it is gone" }: ListedInstance,
    before: HostState["state"] | undefined,
  ): Promise<Pick<HostState, "state" | "reason" | "kind">> {
    const said = /instance.?initiated/i.test(endReason) ? await lastWords(this.#api, id) : undefined
    const [, failure] = /^failed: (.*)$/.exec(said ?? "") ?? []
    if (failure !== undefined) return { state: "failed", reason: failure, kind: "init" }
    const state = before === "running" ? "lost" : "failed"
    const [, why] = new RegExp(`^${ended}: (.*)$`).exec(said ?? "") ?? []
    const reason = why === undefined ? (said ?? endReason) : `its agent ended it: ${why}`
    return { state, reason, ...(state === "failed" && { kind: kindOf(endReason) }) }
  }

  #price(instance: ListedInstance): Promise<number | undefined> {
    let price = this.#prices.get(instance.id)
    if (price === undefined) {
      price = this.#options.priceOf(instance)
      this.#prices.set(instance.id, price)
    }
    return price
  }

  #tell(state: HostState): void {
    this.#known.set(state.name, state)
    this.#events?.host(state)
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#isClosed) return
    // What cannot be seen now is looked for once more: the instances go on meanwhile.
    this.#timer = setTimeout(() => this.look().catch(() => this.#schedule(this.#options.pollMs.steady)), ms)
    this.#timer.unref()
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      signal.addEventListener("abort", () => resolve(), { once: true })
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}

/** What an instance's program last wrote to the console, which EC2 keeps for a while. */
export async function lastWords(api: Ec2Api, InstanceId: string): Promise<string | undefined> {
  try {
    const { Output = "" } = await api.once(
      "ec2:GetConsoleOutput",
      `read the console of ${InstanceId}`,
      (client) => client.send(new api.sdk.GetConsoleOutputCommand({ InstanceId })),
    )
    const lines = Buffer.from(Output, "base64").toString().split(/\r?\n/)
    const last = lines.filter((line) => line.includes(logMark)).at(-1)
    return last?.slice(last.indexOf(logMark) + logMark.length).trim()
  } catch {
    return undefined
  }
}

function kindOf(endReason: string): "unavailable" | "quota" | "init" {
  if (/Capacity/i.test(endReason)) return "unavailable"
  return /Limit/i.test(endReason) ? "quota" : "init"
}
