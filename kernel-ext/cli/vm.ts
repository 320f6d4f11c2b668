import type { Ec2Hosts } from "../backends/standalone/ec2/ec2.ts"
import { costSoFar } from "../backends/standalone/ec2/inventory.ts"
import { userPolicy } from "../backends/standalone/ec2/policy.ts"
import { configuration } from "../config/load.ts"
import { awsEc2Hosts } from "../executors/machines/aws-ec2.ts"
import { table } from "./runtime.ts"

/** `cellfan vm …`, `cellfan ec2 policy`: the instances that cellfan has made. */

async function withHosts<T>(work: (hosts: Ec2Hosts) => Promise<T>): Promise<T> {
  const settings = { pool: "default", minHosts: 1, workersPerHost: undefined }
  const hosts = await awsEc2Hosts(configuration(), {}, settings, "cellfan vm").load()
  try {
    return await work(hosts)
  } finally {
    await hosts.close()
  }
}

/** One line for each instance, and one for what else there is. */
export function listMachines(): Promise<string> {
  return withHosts(async (hosts) => {
    const { region, inventory, usdPerHour } = await hosts.list()
    const { instances, groups, volumes } = inventory
    if (instances.length + groups.length + volumes.length === 0)
      return `There is nothing of cellfan on EC2 in ${region}.`
    const now = Date.now()
    const rows = instances.map((one, at) => [
      one.id,
      one.role,
      one.state,
      one.instanceType,
      one.market,
      one.pool,
      one.owner,
      new Date(one.launchedAtMs).toISOString().slice(0, 16),
      dollars(usdPerHour[at]),
      dollars(costSoFar(usdPerHour[at], one.launchedAtMs, now)),
      one.expiresAtMs !== undefined && one.expiresAtMs < now ? "past its time" : "",
    ])
    const head = [
      "INSTANCE",
      "ROLE",
      "STATE",
      "TYPE",
      "MARKET",
      "POOL",
      "OWNER",
      "SINCE",
      "$/HOUR",
      "$ SO FAR",
      "",
    ]
    return [
      ...(rows.length === 0 ? [] : [table([head, ...rows])]),
      ...groups.map(({ id, name }) => `security group ${name} (${id})`),
      ...volumes.map(({ id, sizeGiB }) => `volume ${id} (${sizeGiB} GiB)`),
    ].join("\n")
  })
}

export function deleteMachines(ids: readonly string[]): Promise<string> {
  return withHosts(async (hosts) => {
    const missing = await hosts.remove(ids)
    if (missing.length > 0)
      throw new Error(
        `There is no instance ${missing.join(", ")} of cellfan; \`cellfan vm list\` shows those there are.`,
      )
    return `Ended ${ids.join(", ")}.`
  })
}

/** Everything that cellfan has made on EC2, in this region. */
export function cleanMachines(): Promise<string> {
  return withHosts(async (hosts) => {
    const gone = await hosts.clean("all")
    return gone.length === 0 ? "There was nothing of cellfan on EC2." : `Deleted:\n${gone.join("\n")}`
  })
}

/** The least rights, as JSON. */
export function ec2Policy(roleArn: string | undefined): string {
  return JSON.stringify(userPolicy(roleArn), undefined, 2)
}

function dollars(usd: number | undefined): string {
  return usd === undefined ? "?" : usd.toFixed(usd < 1 ? 4 : 2)
}
