import { BackendError, type BackendErrorKind } from "../../../errors.ts"
import type { AgentRecipe, HostEvents } from "../hosts.ts"
import { agentScript, agentTag } from "./agent-script.ts"
import type { Ec2Api } from "./api.ts"
import type { Fleet } from "./fleet.ts"
import { isThere, listInstances, terminate } from "./inventory.ts"
import { type LaunchSpec, launch, type Market } from "./launch.ts"
import { findMachine, type Machine } from "./machine.ts"
import { findPlace, ownGroup, type Place } from "./network.ts"
import type { Ec2Options } from "./options.ts"
import { tag, tagsOf } from "./tags.ts"
import { userData } from "./user-data.ts"

/** Instances that run agents: those that are warm already, and those that are launched beside them. */

export interface WorkersPlan {
  readonly api: Ec2Api
  readonly options: Ec2Options
  readonly fleet: Fleet
  readonly agent: AgentRecipe
  readonly events: HostEvents
}

/** Resolves when enough of them run. @throws BackendError where fewer than needed are to be had; it says why. */
export async function bringWorkersUp(plan: WorkersPlan, signal: AbortSignal): Promise<void> {
  const { fleet } = plan
  const { instances, minHosts } = plan.options
  await findWarm(plan)
  const missing = instances - fleet.alive.length
  const shortage = missing > 0 ? await launchMore(plan, missing, signal) : undefined
  await fleet.look()
  await fleet.running(minHosts, signal)
  const running = fleet.hosts.filter(({ state }) => state === "running").length
  if (running < Math.min(minHosts, instances)) throw await tooFew(plan, running, shortage)
}

/** Instances of this pool that run the same agent already. */
async function findWarm({ api, fleet, agent, events }: WorkersPlan): Promise<void> {
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

/** Resolves with why there are not more, where that is so. */
async function launchMore(
  { api, options, fleet, agent, events }: WorkersPlan,
  count: number,
  signal: AbortSignal,
): Promise<BackendError | undefined> {
  const { instanceType, image, subnets, spot, onDemandFallback } = options
  const [machine, place] = await Promise.all([
    findMachine(api, instanceType, image, signal),
    findPlace(api, subnets, signal),
  ])
  const spec = await specOf(api, options, agent, { machine, place, signal })
  const markets: Market[] = !spot ? ["on-demand"] : onDemandFallback ? ["spot", "on-demand"] : ["spot"]
  const { launched, shortage } = await launch(api, spec, { count, markets, subnets: place.subnets }, signal)
  fleet.expect(launched.map(({ id }) => id))
  const paid = launched.filter(({ market }) => market === "on-demand").length
  const kinds = spot && paid > 0 ? ` (${launched.length - paid} spot, ${paid} on demand)` : ""
  if (launched.length > 0) events.say(`Launched ${launched.length} ${instanceType} in ${api.region}${kinds}.`)
  if (shortage !== undefined && launched.length > 0)
    events.say(
      `${launched.length} of ${count} instances were to be had, which goes on with those: ${shortage.message}`,
    )
  return shortage
}

async function specOf(
  api: Ec2Api,
  options: Ec2Options,
  agent: AgentRecipe,
  { machine, place, signal }: { machine: Machine; place: Place; signal: AbortSignal },
): Promise<LaunchSpec> {
  const { securityGroup, instanceProfile, keyName, diskGiB, maxSpotUsdPerHour } = options
  const { platform } = machine
  const [group, data] = await Promise.all([
    securityGroup ?? workersGroup(api, options, place, signal),
    agentScript(agent, options, { platform, end: "with-program" }).then(userData),
  ])
  return {
    ...{ machine, userData: data, groupIds: [group], instanceProfile, keyName, diskGiB, maxSpotUsdPerHour },
    tags: [...tagsOf(options, agent.pool, "worker"), { Key: tag.agent, Value: agentTag(agent) }],
  }
}

/** One for the workers of all pools. */
export function workersGroup(
  api: Ec2Api,
  options: Ec2Options,
  { vpcId }: Place,
  signal: AbortSignal,
): Promise<string> {
  return ownGroup(
    api,
    {
      name: "cellfan-workers",
      description: "cellfan: workers. Nothing comes in; they dial out.",
      vpcId,
      tags: tagsOf(options, "", "worker").filter(({ Key }) => Key !== tag.pool && Key !== tag.expires),
    },
    undefined,
    signal,
  )
}

/** Those that were launched are given back: too few are of no use. */
async function tooFew(
  { api, options, fleet }: WorkersPlan,
  running: number,
  shortage: BackendError | undefined,
): Promise<BackendError> {
  const { minHosts, instances } = options
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
    { backend: "aws_ec2", kind, retryable: shortage?.retryable ?? false, cause: shortage },
  )
}
