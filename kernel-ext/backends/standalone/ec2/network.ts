import { BackendError } from "../../../errors.ts"
import { codeOf, type Ec2Api } from "./api.ts"
import { byTag, type Tag, tag } from "./tags.ts"

/** Where instances stand, and the security groups around them. */

export interface Place {
  readonly vpcId: string
  /** In the order in which they are tried; the first is where EC2 likes best, if nobody named any. */
  readonly subnets: readonly (string | undefined)[]
}

/** The named subnets, or those of the default VPC. */
export async function findPlace(
  api: Ec2Api,
  named: readonly string[] | undefined,
  signal?: AbortSignal,
): Promise<Place> {
  const asked = named?.length
    ? { SubnetIds: [...named] }
    : { Filters: [{ Name: "default-for-az", Values: ["true"] }] }
  const { Subnets = [] } = await api.call(
    "ec2:DescribeSubnets",
    "look up subnets",
    (client, call) => client.send(new api.sdk.DescribeSubnetsCommand(asked), call),
    signal,
  )
  const vpcs = new Set(Subnets.map(({ VpcId = "" }) => VpcId))
  const [vpcId] = vpcs
  if (vpcId === undefined)
    throw wrong(
      `EC2 in ${api.region} has no default VPC with a subnet: give \`subnets\`, or make one: aws ec2 create-default-vpc`,
    )
  if (vpcs.size > 1)
    throw wrong(`The \`subnets\` stand in ${vpcs.size} VPCs (${[...vpcs].join(", ")}), and are to be in one.`)
  const ids = Subnets.map(({ SubnetId }) => SubnetId)
  return { vpcId, subnets: named?.length ? [...named] : [undefined, ...ids] }
}

/** A way in: to one port, from addresses or from what has a security group. */
export interface Inbound {
  readonly port: number
  readonly cidrs: readonly string[]
  readonly groups: readonly string[]
}

/** A security group of ours: the one that is there, or a new one. Without `inbound` nothing gets in. */
export async function ownGroup(
  api: Ec2Api,
  wanted: { name: string; description: string; vpcId: string; tags: readonly Tag[] },
  inbound: Inbound | undefined,
  signal?: AbortSignal,
): Promise<string> {
  const id = (await findGroup(api, wanted, signal)) ?? (await makeGroup(api, wanted, signal))
  if (inbound !== undefined) await letIn(api, id, inbound, signal)
  return id
}

async function findGroup(
  api: Ec2Api,
  { name, vpcId }: { name: string; vpcId: string },
  signal?: AbortSignal,
): Promise<string | undefined> {
  const Filters = [
    { Name: "group-name", Values: [name] },
    { Name: "vpc-id", Values: [vpcId] },
  ]
  const { SecurityGroups = [] } = await api.call(
    "ec2:DescribeSecurityGroups",
    "look up security groups",
    (client, call) => client.send(new api.sdk.DescribeSecurityGroupsCommand({ Filters }), call),
    signal,
  )
  const [found] = SecurityGroups
  if (found === undefined) return undefined
  // Whoever took the name for a group of their own may let anybody in.
  if (!found.Tags?.some(({ Key }) => Key === tag.version))
    throw wrong(
      `The security group ${name} (${found.GroupId}) was not made by cellfan: rename it, or give \`securityGroup\`.`,
    )
  return found.GroupId
}

async function makeGroup(
  api: Ec2Api,
  {
    name,
    description,
    vpcId,
    tags,
  }: { name: string; description: string; vpcId: string; tags: readonly Tag[] },
  signal?: AbortSignal,
): Promise<string> {
  const command = new api.sdk.CreateSecurityGroupCommand({
    GroupName: name,
    Description: description,
    VpcId: vpcId,
    TagSpecifications: [{ ResourceType: "security-group", Tags: [...tags] }],
  })
  try {
    const { GroupId = "" } = await api.call(
      "ec2:CreateSecurityGroup",
      "make a security group",
      (client, call) => client.send(command, call),
      signal,
    )
    return GroupId
  } catch (error) {
    // Another kernel was faster, or the answer to a first try was lost.
    if (codeOf(error) !== "InvalidGroup.Duplicate") throw error
    return (await findGroup(api, { name, vpcId }, signal)) ?? ""
  }
}

/** Makes the group's ways in those that are wanted, and no others: addresses of yesterday are closed. */
async function letIn(api: Ec2Api, groupId: string, wanted: Inbound, signal?: AbortSignal): Promise<void> {
  const { SecurityGroups: [group] = [] } = await api.call(
    "ec2:DescribeSecurityGroups",
    "look up a security group",
    (client, call) => client.send(new api.sdk.DescribeSecurityGroupsCommand({ GroupIds: [groupId] }), call),
    signal,
  )
  const there = (group?.IpPermissions ?? []).flatMap(({ IpRanges = [], UserIdGroupPairs = [] }) => [
    ...IpRanges.map(({ CidrIp = "" }) => CidrIp),
    ...UserIdGroupPairs.map(({ GroupId = "" }) => GroupId),
  ])
  const asked = [...wanted.cidrs, ...wanted.groups]
  const stale = there.filter((one) => !asked.includes(one))
  const missing = asked.filter((one) => !there.includes(one))
  const permissions = (sources: readonly string[]) => ({
    GroupId: groupId,
    IpPermissions: sources.map((source) => ({
      IpProtocol: "tcp",
      FromPort: wanted.port,
      ToPort: wanted.port,
      ...(source.startsWith("sg-")
        ? { UserIdGroupPairs: [{ GroupId: source }] }
        : { IpRanges: [{ CidrIp: source }] }),
    })),
  })
  if (missing.length > 0)
    await api
      .call(
        "ec2:AuthorizeSecurityGroupIngress",
        "let the kernel reach the queue's server",
        (client, call) =>
          client.send(new api.sdk.AuthorizeSecurityGroupIngressCommand(permissions(missing)), call),
        signal,
      )
      .catch((error) => {
        if (codeOf(error) !== "InvalidPermission.Duplicate") throw error
      })
  if (stale.length > 0)
    await api.call(
      "ec2:RevokeSecurityGroupIngress",
      "close the way from former addresses to the queue's server",
      (client, call) => client.send(new api.sdk.RevokeSecurityGroupIngressCommand(permissions(stale)), call),
      signal,
    )
}

/** Filters for what a pool has. */
export function ofPool(pool: string) {
  return [byTag(tag.pool, pool)]
}

function wrong(message: string): BackendError {
  return new BackendError(message, { backend: "aws_ec2", kind: "setup", retryable: false })
}
