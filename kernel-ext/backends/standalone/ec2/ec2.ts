import { BackendError } from "../../../errors.ts"
import type { AgentRecipe, HeadRecipe, HostEvents, HostProvider, HostState, QueueAddress } from "../hosts.ts"
import { agentScript, agentTag } from "./agent-script.ts"
import { Ec2Api } from "./api.ts"
import { runOnExisting } from "./consume.ts"
import { Delivery } from "./delivery.ts"
import { Fleet } from "./fleet.ts"
import { headPort, startHead } from "./head.ts"
import { type Inventory, isThere, listInstances, removeAll, takeInventory, terminate } from "./inventory.ts"
import { kernelAddress } from "./kernel-address.ts"
import { findMachine, priceOf } from "./machine.ts"
import { findPlace, ownGroup } from "./network.ts"
import type { Ec2Options } from "./options.ts"
import { tagsOf } from "./tags.ts"
import { script } from "./user-data.ts"
import { bringWorkersUp, workersGroup } from "./workers.ts"

/**
 * Instances on Amazon EC2 as hosts: launched by few calls, set up by their user data, with no way in; they end themselves.
 *
 *     ec2.ts             what the backend asks for
 *     workers.ts         which instances there are to be
 *     launch.ts          as many as can be had, of one market and place after the other
 *     machine.ts         instance type, image and price; prices.ts the list
 *     network.ts         subnets and security groups
 *     user-data.ts       what an instance runs when it starts; agent-script.ts that of workers
 *     delivery.ts        files for it, by way of storage
 *     consume.ts         instances that exist already
 *     fleet.ts           what became of them
 *     head.ts            the queue's server on an instance; kernel-address.ts who may reach it
 *     inventory.ts       all that there is, and its removal
 *     api.ts             calls, and trying again; errors.ts what goes wrong, and the way out
 *     policy.ts          the rights that are needed
 *     tags.ts            how all of it is found again
 *     options.ts, sdk.ts
 */
export class Ec2Hosts implements HostProvider {
  readonly name = "aws_ec2"
  readonly #options: Ec2Options
  #api: Promise<Ec2Api> | undefined
  #fleet: Fleet | undefined
  #head: HostState | undefined
  #tell: (state: HostState) => void = () => {}
  #isClosed = false
  /** Told of instances that are others', or that never came to be. */
  readonly #others = new Map<string, HostState>()

  constructor(options: Ec2Options) {
    this.#options = options
  }

  get hosts(): readonly HostState[] {
    const head = this.#head === undefined ? [] : [this.#head]
    return [...head, ...(this.#fleet?.hosts ?? []), ...this.#others.values()]
  }

  async start(agent: AgentRecipe, events: HostEvents, signal: AbortSignal): Promise<void> {
    const api = await this.#open()
    if (this.#options.instanceIds?.length) return this.#consume(api, agent, events, signal)
    const fleet = this.#watched(api, agent, events)
    await bringWorkersUp({ api, options: this.#options, fleet, agent, events }, signal)
  }

  async head(recipe: HeadRecipe, events: HostEvents, signal: AbortSignal): Promise<QueueAddress> {
    const api = await this.#open()
    const { headType, subnets, image, kernelAddress: from } = this.#options
    const [{ cidr, isInside }, machine, place] = await Promise.all([
      kernelAddress(from, signal),
      // The workers' image may be for other processors.
      findMachine(api, headType, image?.startsWith("ami-") ? undefined : image, signal),
      findPlace(api, subnets, signal),
    ])
    const workers = await workersGroup(api, this.#options, place, signal)
    const group = await ownGroup(
      api,
      {
        name: `cellfan-head-${recipe.pool}`,
        description: "cellfan: the queue's server. In: its port, from workers and the kernel.",
        vpcId: place.vpcId,
        tags: tagsOf(this.#options, recipe.pool, "head"),
      },
      { port: headPort, cidrs: [cidr], groups: [workers] },
      signal,
    )
    const spec = {
      ...{ machine, groupIds: [group], diskGiB: this.#options.diskGiB, keyName: this.#options.keyName },
      ...{ instanceProfile: undefined, maxSpotUsdPerHour: undefined },
      tags: tagsOf(this.#options, recipe.pool, "head"),
    }
    const delivery = new Delivery(recipe.pool, this.#options.storage)
    const pollMs = this.#pollMs.pending
    const plan = { api, delivery, recipe, spec, subnets: place.subnets, isInside, pollMs }
    const { instance, address } = await startHead(plan, events, signal)
    const usdPerHour = await priceOf(api, this.#options, instance)
    const base = { name: instance.id, sinceMs: instance.launchedAtMs, isHead: true }
    this.#tell = (state) => events.host(state)
    this.#tellHead({ ...base, state: "running", ...(usdPerHour !== undefined && { usdPerHour }) })
    return address
  }

  /** All of this pool, or all that cellfan has ever made in the region. */
  async clean(scope: "own" | "all"): Promise<readonly string[]> {
    const { pool, storage } = this.#options
    const api = await this.#open()
    const said = await removeAll(api, scope === "all" ? "all" : { pool }, {
      pollMs: this.#pollMs.pending,
    })
    await this.#fleet?.look()
    this.#tellHead(this.#head && { ...this.#head, state: "lost", reason: "it was cleaned away" })
    await new Delivery(pool, storage).clean().catch(() => {})
    return said
  }

  /** All that cellfan has ever made in the region, with what it costs an hour where that is known. */
  async list(): Promise<{ readonly region: string; readonly inventory: Inventory } & Priced> {
    const api = await this.#open()
    const inventory = await takeInventory(api, "all")
    const prices = await Promise.all(
      inventory.instances.map((instance) => priceOf(api, this.#options, instance)),
    )
    return { region: api.region, inventory, usdPerHour: prices }
  }

  /** Ends some instances of cellfan. Resolves with those that are none. */
  async remove(ids: readonly string[]): Promise<readonly string[]> {
    const api = await this.#open()
    const ours = new Set((await listInstances(api, "all")).filter(isThere).map(({ id }) => id))
    await terminate(
      api,
      ids.filter((id) => ours.has(id)),
    )
    return ids.filter((id) => !ours.has(id))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#fleet?.close()
    const api = await this.#api?.catch(() => undefined)
    api?.close()
  }

  #tellHead(state: HostState | undefined): void {
    this.#head = state
    if (state !== undefined) this.#tell(state)
  }

  get #pollMs(): { readonly pending: number; readonly steady: number } {
    return this.#options.pollMs ?? { pending: 2000, steady: 15_000 }
  }

  #open(): Promise<Ec2Api> {
    if (this.#isClosed)
      throw new BackendError("The hosts on EC2 are closed.", { backend: this.name, retryable: false })
    this.#api ??= Ec2Api.open(this.#options)
    this.#api.catch(() => {
      this.#api = undefined
    })
    return this.#api
  }

  #watched(api: Ec2Api, agent: AgentRecipe, events: HostEvents): Fleet {
    this.#fleet ??= new Fleet(api, {
      pool: agent.pool,
      agent: agentTag(agent),
      pollMs: this.#pollMs,
      priceOf: (instance) => priceOf(api, this.#options, instance),
    })
    this.#fleet.watch(events)
    return this.#fleet
  }

  async #consume(api: Ec2Api, agent: AgentRecipe, events: HostEvents, signal: AbortSignal): Promise<void> {
    const { instanceIds = [], minHosts } = this.#options
    const tell = (state: HostState) => {
      this.#others.set(state.name, state)
      events.host(state)
    }
    const missing = instanceIds.filter((id) => this.#others.get(id)?.state !== "running")
    for (const name of missing) tell({ name, state: "pending" })
    const spec = await agentScript(agent, this.#options, { platform: "linux", end: "never" })
    const failed = await runOnExisting(api, missing, script(spec), {
      ...{ events, signal, pollMs: this.#pollMs.pending },
    })
    for (const name of missing) {
      const error = failed.get(name)
      if (error === undefined) tell({ name, state: "running" })
      else tell({ name, state: "failed", reason: error.message, kind: error.kind })
    }
    const running = instanceIds.length - failed.size
    if (running < Math.min(minHosts, instanceIds.length)) throw [...failed.values()][0]
  }
}

/** In the order of the inventory's instances. */
interface Priced {
  readonly usdPerHour: readonly (number | undefined)[]
}
