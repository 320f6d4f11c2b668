import { gzipSync } from "node:zlib"
import { BackendError, type BackendErrorKind } from "../../../errors.ts"
import { cellfanVersion } from "../../../util/version.ts"
import type { AgentRecipe, HeadRecipe, HostEvents, HostProvider, HostState, QueueAddress } from "../hosts.ts"
import { Ec2Api } from "./api.ts"
import { runOnExisting } from "./consume.ts"
import { Delivery } from "./delivery.ts"
import { Fleet } from "./fleet.ts"
import { headPort, startHead } from "./head.ts"
import { type Inventory, isThere, listInstances, removeAll, takeInventory, terminate } from "./inventory.ts"
import { kernelAddress } from "./kernel-address.ts"
import { type LaunchSpec, launch, type Market } from "./launch.ts"
import { findMachine, type Machine, usdPerHour } from "./machine.ts"
import { findPlace, ownGroup, type Place } from "./network.ts"
import type { Ec2Options } from "./options.ts"
import { type Tag, tag, tagList } from "./tags.ts"
import { ownId, type ScriptSpec, script, userData } from "./user-data.ts"

/**
 * Instances on Amazon EC2 as hosts: launched by few calls, set up by their user data, with no way in; they end themselves.
 *
 *     ec2.ts             which instances there are to be; the head
 *     launch.ts          as many as can be had, of one market and place after the other
 *     machine.ts         instance type, image and price; prices.ts the list
 *     network.ts         subnets and security groups
 *     user-data.ts       what an instance runs when it starts
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
  #pool: string | undefined
  #isClosed = false
  /** Told of instances that are others', or that never came to be. */
  readonly #others = new Map<string, HostState>()

  constructor(options: Ec2Options) {
    this.#options = options
  }

  get hosts(): readonly HostState[] {
    return [...(this.#fleet?.hosts ?? []), ...this.#others.values()]
  }

  async start(agent: AgentRecipe, events: HostEvents, signal: AbortSignal): Promise<void> {
    const api = await this.#open()
    this.#pool = agent.pool
    if (this.#options.instanceIds?.length) return this.#consume(api, agent, events, signal)
    const fleet = this.#watched(api, agent, events)
    const { instances, minHosts } = this.#options
    await this.#findWarm(api, fleet, agent, events)
    const missing = instances - fleet.alive.length
    let shortage: BackendError | undefined
    if (missing > 0) shortage = await this.#launch(api, fleet, agent, missing, { events, signal })
    await fleet.look()
    await fleet.running(minHosts, signal)
    const running = fleet.hosts.filter(({ state }) => state === "running").length
    if (running < Math.min(minHosts, instances)) throw await this.#tooFew(api, fleet, running, shortage)
  }

  async head(recipe: HeadRecipe, events: HostEvents, signal: AbortSignal): Promise<QueueAddress> {
    const api = await this.#open()
    this.#pool = recipe.pool
    const { headType, subnets, image, kernelAddress: from } = this.#options
    const [{ cidr, isInside }, machine, place] = await Promise.all([
      kernelAddress(from, signal),
      // The workers' image may be for other processors.
      findMachine(api, headType, image?.startsWith("ami-") ? undefined : image, signal),
      findPlace(api, subnets, signal),
    ])
    const workers = await this.#workersGroup(api, place, signal)
    const group = await ownGroup(
      api,
      {
        name: `cellfan-head-${recipe.pool}`,
        description: "cellfan: the queue's server. In: its port, from workers and the kernel.",
        vpcId: place.vpcId,
        tags: this.#tags(recipe.pool, "head"),
      },
      { port: headPort, cidrs: [cidr], groups: [workers] },
      signal,
    )
    const spec = {
      ...{ machine, groupIds: [group], diskGiB: this.#options.diskGiB, keyName: this.#options.keyName },
      ...{ instanceProfile: undefined, maxSpotUsdPerHour: undefined },
      tags: this.#tags(recipe.pool, "head"),
    }
    const delivery = new Delivery(recipe.pool, this.#options.storage)
    const pollMs = this.#pollMs.pending
    return startHead(
      { api, delivery, recipe, spec, subnets: place.subnets, isInside, pollMs },
      events,
      signal,
    )
  }

  /** All of this pool, or all that cellfan has ever made in the region. */
  async clean(scope: "own" | "all"): Promise<readonly string[]> {
    if (scope === "own" && this.#pool === undefined) return []
    const api = await this.#open()
    const said = await removeAll(api, scope === "all" ? "all" : { pool: this.#pool as string }, {
      pollMs: this.#pollMs.pending,
    })
    await this.#fleet?.look()
    if (this.#pool !== undefined)
      await new Delivery(this.#pool, this.#options.storage).clean().catch(() => {})
    return said
  }

  /** All that cellfan has ever made in the region, with what it costs an hour where that is known. */
  async list(): Promise<{ readonly region: string; readonly inventory: Inventory } & Priced> {
    const api = await this.#open()
    const inventory = await takeInventory(api, "all")
    const prices = await Promise.all(inventory.instances.map((instance) => this.#price(api, instance)))
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
      priceOf: (instance) => this.#price(api, instance),
    })
    this.#fleet.watch(events)
    return this.#fleet
  }

  /** Instances of this pool that run the same agent already. */
  async #findWarm(api: Ec2Api, fleet: Fleet, agent: AgentRecipe, events: HostEvents): Promise<void> {
    const before = fleet.hosts.length
    await fleet.look()
    const found = fleet.alive.length - before
    if (found > 0 && before === 0) events.say(`Found ${found} warm instances of this pool.`)
    const others = (await listInstances(api, { pool: agent.pool })).filter(
      (one) => one.role === "worker" && isThere(one) && one.agent !== agentTag(agent),
    )
    if (others.length > 0)
      events.say(
        `${others.length} instances run an agent of another version of cellfan: they are left to end by themselves.`,
      )
  }

  async #launch(
    api: Ec2Api,
    fleet: Fleet,
    agent: AgentRecipe,
    count: number,
    { events, signal }: { events: HostEvents; signal: AbortSignal },
  ): Promise<BackendError | undefined> {
    const { instanceType, image, subnets, spot, onDemandFallback } = this.#options
    const [machine, place] = await Promise.all([
      findMachine(api, instanceType, image, signal),
      findPlace(api, subnets, signal),
    ])
    const spec = await this.#specFor(api, agent, machine, place, signal)
    const markets: Market[] = !spot ? ["on-demand"] : onDemandFallback ? ["spot", "on-demand"] : ["spot"]
    const { launched, shortage } = await launch(api, spec, { count, markets, subnets: place.subnets }, signal)
    fleet.expect(launched.map(({ id }) => id))
    const paid = launched.filter(({ market }) => market === "on-demand").length
    const kinds = spot && paid > 0 ? ` (${launched.length - paid} spot, ${paid} on demand)` : ""
    if (launched.length > 0)
      events.say(`Launched ${launched.length} ${instanceType} in ${api.region}${kinds}.`)
    if (shortage !== undefined && launched.length > 0)
      events.say(
        `${launched.length} of ${count} instances were to be had, which goes on with those: ${shortage.message}`,
      )
    return shortage
  }

  async #specFor(
    api: Ec2Api,
    agent: AgentRecipe,
    machine: Machine,
    place: Place,
    signal: AbortSignal,
  ): Promise<LaunchSpec> {
    const { securityGroup, instanceProfile, keyName, diskGiB, maxSpotUsdPerHour } = this.#options
    const [group, data] = await Promise.all([
      securityGroup ?? this.#workersGroup(api, place, signal),
      this.#scriptFor(agent, machine.platform, "with-program").then(userData),
    ])
    return {
      ...{ machine, userData: data, groupIds: [group], instanceProfile, keyName, diskGiB, maxSpotUsdPerHour },
      tags: [...this.#tags(agent.pool, "worker"), { Key: tag.agent, Value: agentTag(agent) }],
    }
  }

  #workersGroup(api: Ec2Api, { vpcId }: Place, signal: AbortSignal): Promise<string> {
    return ownGroup(
      api,
      {
        name: "cellfan-workers",
        description: "cellfan: workers. Nothing comes in; they dial out.",
        vpcId,
        tags: this.#tags("", "worker").filter(({ Key }) => Key !== tag.pool && Key !== tag.expires),
      },
      undefined,
      signal,
    )
  }

  /** The files within the script while they fit, else by way of storage. */
  async #scriptFor(agent: AgentRecipe, platform: string, end: "with-program" | "never"): Promise<ScriptSpec> {
    const config = agent.config({
      name: ownId,
      notices: "aws",
      ...(this.#options.workersPerHost !== undefined && { workers: this.#options.workersPerHost }),
    })
    const files = [
      { name: "agent.mjs.gz", bytes: gzipSync(agent.code) },
      { name: "agent.json", bytes: Buffer.from(config) },
    ]
    const spec: Omit<ScriptSpec, "files"> = {
      title: `cellfan ${cellfanVersion()}: an agent of ${agent.pool}`,
      folder: "/var/lib/cellfan",
      named: ["agent.json"],
      prepare: ["gunzip -f agent.mjs.gz || die 'the agent could not be unpacked'"],
      node: { url: this.#options.nodeUrl, platform },
      run: '"$NODE" agent.mjs agent.json',
      end,
    }
    if (fits({ ...spec, files })) return { ...spec, files }
    const delivery = new Delivery(agent.pool, this.#options.storage)
    return { ...spec, files: await Promise.all(files.map(({ name, bytes }) => delivery.send(name, bytes))) }
  }

  async #consume(api: Ec2Api, agent: AgentRecipe, events: HostEvents, signal: AbortSignal): Promise<void> {
    const { instanceIds = [], minHosts } = this.#options
    const tell = (state: HostState) => {
      this.#others.set(state.name, state)
      events.host(state)
    }
    const missing = instanceIds.filter((id) => this.#others.get(id)?.state !== "running")
    for (const name of missing) tell({ name, state: "pending" })
    const spec = await this.#scriptFor(agent, "linux", "never")
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

  async #price(
    api: Ec2Api,
    instance: {
      instanceType: string
      market: Market
      zone: string | undefined
      publicAddress: string | undefined
    },
  ): Promise<number | undefined> {
    const { usdPerHour: own, diskGiB, instanceType } = this.#options
    if (own !== undefined && instance.instanceType === instanceType) return own
    const { zone, market, publicAddress } = instance
    return usdPerHour(api, {
      ...{ instanceType: instance.instanceType, zone, diskGiB },
      spot: market === "spot",
      hasPublicAddress: publicAddress !== undefined,
    })
  }

  /** Those that were launched are given back: too few are of no use. */
  async #tooFew(
    api: Ec2Api,
    fleet: Fleet,
    running: number,
    shortage: BackendError | undefined,
  ): Promise<BackendError> {
    const { minHosts, instances } = this.#options
    const failed = fleet.hosts.filter(({ state }) => state === "failed" || state === "lost")
    const ended = failed.map(({ name, reason }) => `${name}: ${reason}`)
    await terminate(
      api,
      fleet.alive.map(({ name }) => name),
    )
    await fleet.look()
    const why = [...(shortage === undefined ? [] : [shortage.message]), ...new Set(ended)].join("\n")
    if (running === 0 && shortage !== undefined && failed.length === 0) return shortage
    const kind: BackendErrorKind = shortage?.kind ?? failed[0]?.kind ?? "other"
    return new BackendError(
      `Of ${instances} instances ${running} came up, and at least ${minHosts} are needed (\`minHosts\`); those were ended. ${why}`,
      { backend: this.name, kind, retryable: shortage?.retryable ?? false, cause: shortage },
    )
  }

  #tags(pool: string, role: "worker" | "head"): Tag[] {
    const { owner, tags = {}, expiresAfterMs } = this.#options
    return tagList({
      ...tags,
      Name: pool === "" ? "cellfan" : `cellfan ${pool}${role === "head" ? " head" : ""}`,
      [tag.version]: cellfanVersion(),
      [tag.owner]: owner,
      [tag.pool]: pool,
      [tag.role]: role,
      [tag.expires]: new Date(Date.now() + expiresAfterMs).toISOString(),
    })
  }
}

/** In the order of the inventory's instances. */
interface Priced {
  readonly usdPerHour: readonly (number | undefined)[]
}

function agentTag({ hash }: AgentRecipe): string {
  return hash.slice(0, 16)
}

function fits(spec: ScriptSpec): boolean {
  try {
    userData(spec)
    return true
  } catch {
    return false
  }
}
