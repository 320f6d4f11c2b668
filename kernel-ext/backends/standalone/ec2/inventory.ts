import type { Ec2Api } from "./api.ts"
import { codeOf } from "./api.ts"
import { costSince } from "./prices.ts"
import { byTag, ofCellfan, tag, tagValue } from "./tags.ts"

/** All that cellfan has ever made on EC2 and that is still there, found by tags; and its removal. */

export interface ListedInstance {
  readonly id: string
  readonly role: string
  /** As EC2 calls it: "pending", "running", "shutting-down". */
  readonly state: string
  readonly instanceType: string
  readonly market: "spot" | "on-demand"
  readonly zone: string | undefined
  readonly pool: string
  readonly owner: string
  readonly agent: string | undefined
  readonly launchedAtMs: number
  readonly expiresAtMs: number | undefined
  readonly privateAddress: string | undefined
  readonly publicAddress: string | undefined
  /** Why it ended, in EC2's words. */
  readonly endReason: string | undefined
}

export interface Inventory {
  readonly instances: readonly ListedInstance[]
  readonly groups: readonly { readonly id: string; readonly name: string }[]
  readonly volumes: readonly { readonly id: string; readonly sizeGiB: number }[]
  readonly spotRequests: readonly string[]
}

/** What an instance has cost so far. */
export function costSoFar(
  usdPerHour: number | undefined,
  sinceMs: number,
  nowMs: number,
): number | undefined {
  return usdPerHour === undefined ? undefined : costSince(usdPerHour, sinceMs, nowMs)
}

export type Scope = { readonly pool: string } | "all"

const filtersOf = (scope: Scope) => (scope === "all" ? [ofCellfan] : [byTag(tag.pool, scope.pool)])

/** Those of a pool or all, in any state; EC2 forgets terminated ones after an hour. */
export async function listInstances(
  api: Ec2Api,
  scope: Scope,
  signal?: AbortSignal,
): Promise<ListedInstance[]> {
  const found: ListedInstance[] = []
  let NextToken: string | undefined
  do {
    const input = { Filters: filtersOf(scope), MaxResults: 1000, ...(NextToken && { NextToken }) }
    const page = await api.call(
      "ec2:DescribeInstances",
      "list instances",
      (client, call) => client.send(new api.sdk.DescribeInstancesCommand(input), call),
      signal,
    )
    for (const { Instances = [] } of page.Reservations ?? []) found.push(...Instances.map(listed))
    NextToken = page.NextToken
  } while (NextToken)
  return found
}

function listed(instance: {
  InstanceId?: string | undefined
  State?: { Name?: string | undefined } | undefined
  InstanceType?: string | undefined
  InstanceLifecycle?: string | undefined
  Placement?: { AvailabilityZone?: string | undefined } | undefined
  LaunchTime?: Date | undefined
  PrivateIpAddress?: string | undefined
  PublicIpAddress?: string | undefined
  StateReason?: { Code?: string | undefined; Message?: string | undefined } | undefined
  StateTransitionReason?: string | undefined
  Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined
}): ListedInstance {
  const { Tags, StateReason } = instance
  const expires = Date.parse(tagValue(Tags, tag.expires) ?? "")
  return {
    id: instance.InstanceId ?? "",
    role: tagValue(Tags, tag.role) ?? "worker",
    state: instance.State?.Name ?? "pending",
    instanceType: instance.InstanceType ?? "",
    market: instance.InstanceLifecycle === "spot" ? "spot" : "on-demand",
    zone: instance.Placement?.AvailabilityZone,
    pool: tagValue(Tags, tag.pool) ?? "",
    owner: tagValue(Tags, tag.owner) ?? "",
    agent: tagValue(Tags, tag.agent),
    launchedAtMs: instance.LaunchTime?.getTime() ?? 0,
    expiresAtMs: Number.isNaN(expires) ? undefined : expires,
    privateAddress: instance.PrivateIpAddress,
    publicAddress: instance.PublicIpAddress,
    endReason: StateReason?.Message ?? instance.StateTransitionReason,
  }
}

/** Whether it costs something. */
export function isThere({ state }: Pick<ListedInstance, "state">): boolean {
  return state !== "terminated" && state !== "shutting-down"
}

export async function takeInventory(api: Ec2Api, scope: Scope, signal?: AbortSignal): Promise<Inventory> {
  const { sdk } = api
  const Filters = filtersOf(scope)
  const [instances, groups, volumes, requests] = await Promise.all([
    listInstances(api, scope, signal),
    api.call("ec2:DescribeSecurityGroups", "list security groups", (client, call) =>
      client.send(new sdk.DescribeSecurityGroupsCommand({ Filters }), call),
    ),
    api.call("ec2:DescribeVolumes", "list volumes", (client, call) =>
      client.send(new sdk.DescribeVolumesCommand({ Filters }), call),
    ),
    api.call("ec2:DescribeSpotInstanceRequests", "list spot requests", (client, call) =>
      client.send(new sdk.DescribeSpotInstanceRequestsCommand({ Filters }), call),
    ),
  ])
  return {
    instances: instances.filter(isThere),
    groups: (groups.SecurityGroups ?? []).map(({ GroupId: id = "", GroupName: name = "" }) => ({ id, name })),
    volumes: (volumes.Volumes ?? []).map(({ VolumeId: id = "", Size = 0 }) => ({ id, sizeGiB: Size })),
    spotRequests: (requests.SpotInstanceRequests ?? [])
      .filter(({ State }) => State === "open" || State === "active")
      .map(({ SpotInstanceRequestId = "" }) => SpotInstanceRequestId),
  }
}

/** How long instances may take to end, which hold their disks and security groups. */
const endingMs = 120_000

/** Removes it all. Resolves with one line for each thing that is gone, or that could not go yet. */
export async function removeAll(
  api: Ec2Api,
  scope: Scope,
  { pollMs, signal }: { pollMs: number; signal?: AbortSignal },
): Promise<string[]> {
  const { sdk } = api
  const said: string[] = []
  const { instances, groups, spotRequests } = await takeInventory(api, scope, signal)
  if (spotRequests.length > 0)
    await api.call("ec2:CancelSpotInstanceRequests", "cancel spot requests", (client) =>
      client.send(new sdk.CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [...spotRequests] })),
    )
  await terminate(
    api,
    instances.map(({ id }) => id),
  )
  for (const { id, instanceType, role } of instances) said.push(`${role} ${id} (${instanceType})`)
  const isGone = await endOf(api, scope, { pollMs, ...(signal && { signal }) })
  for (const { id, sizeGiB } of (await takeInventory(api, scope, signal)).volumes)
    if (await gone(deleteVolume(api, id))) said.push(`volume ${id} (${sizeGiB} GiB)`)
  // A group that another one names goes after that one: the head's names the workers'.
  const left = new Map(groups.map(({ id, name }) => [id, name]))
  for (let round = 0; round < 2 && isGone; round++)
    for (const [id, name] of left)
      if (await gone(deleteGroup(api, id))) {
        said.push(`security group ${name} (${id})`)
        left.delete(id)
      }
  for (const [id, name] of left)
    said.push(
      `not yet: security group ${name} (${id}), which is in use; it costs nothing, and goes with the next clean`,
    )
  return said
}

export async function terminate(api: Ec2Api, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 100) {
    const InstanceIds = ids.slice(at, at + 100)
    await api
      .call("ec2:TerminateInstances", `terminate ${InstanceIds.join(", ")}`, (client) =>
        client.send(new api.sdk.TerminateInstancesCommand({ InstanceIds })),
      )
      .catch((error) => {
        // It ended by itself, long ago.
        if (codeOf(error) !== "InvalidInstanceID.NotFound") throw error
      })
  }
}

async function endOf(
  api: Ec2Api,
  scope: Scope,
  { pollMs, signal }: { pollMs: number; signal?: AbortSignal },
): Promise<boolean> {
  for (const deadline = Date.now() + endingMs; Date.now() < deadline; ) {
    const all = await listInstances(api, scope, signal)
    if (all.every(({ state }) => state === "terminated")) return true
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  return false
}

function deleteVolume(api: Ec2Api, VolumeId: string) {
  return api.call("ec2:DeleteVolume", `delete the volume ${VolumeId}`, (client) =>
    client.send(new api.sdk.DeleteVolumeCommand({ VolumeId })),
  )
}

function deleteGroup(api: Ec2Api, GroupId: string) {
  return api.call("ec2:DeleteSecurityGroup", `delete the security group ${GroupId}`, (client) =>
    client.send(new api.sdk.DeleteSecurityGroupCommand({ GroupId })),
  )
}

/** Whether it is gone; what is in use is not yet, and what went by itself is. */
async function gone(deleting: Promise<unknown>): Promise<boolean> {
  try {
    await deleting
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === "DependencyViolation" || code === "VolumeInUse" || code === "InvalidGroup.InUse")
      return false
    if (/NotFound$/.test(code)) return true
    throw error
  }
}
