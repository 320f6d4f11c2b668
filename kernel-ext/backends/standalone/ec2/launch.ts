import { randomUUID } from "node:crypto"
import { BackendError } from "../../../errors.ts"
import { codeOf, type Ec2Api } from "./api.ts"
import { capacityCodes, quotaCodes, spotCodes } from "./errors.ts"
import type { Machine } from "./machine.ts"
import { byTag, type Tag, tag } from "./tags.ts"

/**
 * Launching: few calls for many instances each. Where a place has fewer than are wanted, the next place, and then the other
 * market, is asked for the rest.
 */

/** Of one call; Amazon asks for larger ones to be divided. */
const perCall = 500

/** How often a call whose outcome is not known is made again. */
const maxAttempts = 6

export type Market = "spot" | "on-demand"

/** What each instance is to be. */
export interface LaunchSpec {
  readonly machine: Machine
  readonly userData: Uint8Array
  readonly groupIds: readonly string[]
  readonly instanceProfile: string | undefined
  readonly keyName: string | undefined
  readonly diskGiB: number
  readonly maxSpotUsdPerHour: number | undefined
  readonly tags: readonly Tag[]
}

export interface Order {
  readonly count: number
  /** In the order in which they are tried. */
  readonly markets: readonly Market[]
  readonly subnets: readonly (string | undefined)[]
}

export interface Launched {
  readonly id: string
  readonly market: Market
}

export interface Launch {
  readonly launched: readonly Launched[]
  /** Why there are not more. */
  readonly shortage: BackendError | undefined
}

/** @throws BackendError for what another try would not mend: rights, a wrong image, no network. */
export async function launch(
  api: Ec2Api,
  spec: LaunchSpec,
  { count, markets, subnets }: Order,
  signal: AbortSignal,
): Promise<Launch> {
  const launched: Launched[] = []
  let shortage: BackendError | undefined
  const take = (more: Attempt, market: Market) => {
    launched.push(...more.ids.map((id) => ({ id, market })))
    shortage ??= more.shortage
  }
  for (const market of markets)
    for (const subnet of subnets) {
      const wanted = count - launched.length
      if (wanted === 0) return { launched, shortage: undefined }
      const attempt = await launchAt(api, spec, { market, subnet, wanted }, signal)
      take(attempt, market)
      // What the account may not have in one place, it may not in another.
      if (attempt.shortage !== undefined && !isCapacity(attempt.shortage)) break
    }
  return { launched, shortage: launched.length < count ? shortage : undefined }
}

interface Attempt {
  readonly ids: readonly string[]
  readonly shortage: BackendError | undefined
}

/** As many as can be had in one market and place. */
async function launchAt(
  api: Ec2Api,
  spec: LaunchSpec,
  { market, subnet, wanted }: { market: Market; subnet: string | undefined; wanted: number },
  signal: AbortSignal,
): Promise<Attempt> {
  const ids: string[] = []
  for (let size = Math.min(perCall, wanted); ids.length < wanted; ) {
    const asked = Math.min(size, wanted - ids.length)
    try {
      const got = await runInstances(api, spec, { market, subnet, count: asked }, signal)
      ids.push(...got)
      // Fewer than asked for: there are no more here.
      if (got.length < asked) return { ids, shortage: fewer(api, spec, asked, got.length) }
    } catch (error) {
      const code = codeOf(error)
      const isShort = capacityCodes.has(code) || spotCodes.has(code) || quotaCodes.has(code)
      if (!isShort) throw error
      // A quota refuses all where it would take some.
      if (!quotaCodes.has(code) || asked === 1) return { ids, shortage: error as BackendError }
      size = Math.floor(asked / 2)
    }
  }
  return { ids, shortage: undefined }
}

/**
 * One call, made again with the same token where its outcome is not known. Before that is asked what it may have launched: not every
 * service that speaks EC2's language knows tokens.
 */
async function runInstances(
  api: Ec2Api,
  spec: LaunchSpec,
  { market, subnet, count }: { market: Market; subnet: string | undefined; count: number },
  signal: AbortSignal,
): Promise<string[]> {
  const token = randomUUID()
  const input = launchInput(api, spec, { market, subnet, count, token })
  const doing = `launch ${count} ${spec.machine.instanceType} instance${count === 1 ? "" : "s"}`
  for (let attempt = 1; ; attempt++) {
    try {
      const { Instances = [] } = await api.once(
        "ec2:RunInstances",
        doing,
        (client, call) => client.send(input, call),
        signal,
      )
      return Instances.map(({ InstanceId = "" }) => InstanceId)
    } catch (error) {
      const isKnown = !(error as BackendError).retryable || capacityCodes.has(codeOf(error))
      if (isKnown || attempt === maxAttempts) throw error
      await api.pause(attempt, signal)
      const there = await launchedBy(api, token, signal)
      if (there.length > 0) return there
    }
  }
}

async function launchedBy(api: Ec2Api, token: string, signal: AbortSignal): Promise<string[]> {
  const Filters = [byTag(tag.launch, token)]
  const { Reservations = [] } = await api.call(
    "ec2:DescribeInstances",
    "look up what was launched",
    (client, call) => client.send(new api.sdk.DescribeInstancesCommand({ Filters }), call),
    signal,
  )
  return Reservations.flatMap(({ Instances = [] }) => Instances.map(({ InstanceId = "" }) => InstanceId))
}

function launchInput(
  api: Ec2Api,
  spec: LaunchSpec,
  {
    market,
    subnet,
    count,
    token,
  }: { market: Market; subnet: string | undefined; count: number; token: string },
) {
  const { machine, userData, groupIds, instanceProfile, keyName, diskGiB, maxSpotUsdPerHour } = spec
  const Tags = [...spec.tags, { Key: tag.launch, Value: token }]
  const tagged = [
    "instance",
    "volume",
    "network-interface",
    ...(market === "spot" ? ["spot-instances-request"] : []),
  ]
  return new api.sdk.RunInstancesCommand({
    ClientToken: token,
    // Some are better than none.
    MinCount: 1,
    MaxCount: count,
    ImageId: machine.imageId,
    InstanceType: machine.instanceType as "t3.small",
    UserData: Buffer.from(userData).toString("base64"),
    SecurityGroupIds: [...groupIds],
    ...(subnet !== undefined && { SubnetId: subnet }),
    ...(keyName !== undefined && { KeyName: keyName }),
    ...(instanceProfile !== undefined && {
      IamInstanceProfile: instanceProfile.startsWith("arn:")
        ? { Arn: instanceProfile }
        : { Name: instanceProfile },
    }),
    InstanceInitiatedShutdownBehavior: "terminate",
    MetadataOptions: { HttpTokens: "required", HttpEndpoint: "enabled", HttpPutResponseHopLimit: 1 },
    BlockDeviceMappings: [
      {
        DeviceName: machine.rootDevice,
        Ebs: { Encrypted: true, VolumeType: "gp3", VolumeSize: diskGiB, DeleteOnTermination: true },
      },
    ],
    TagSpecifications: tagged.map((ResourceType) => ({ ResourceType: ResourceType as "instance", Tags })),
    ...(market === "spot" && {
      InstanceMarketOptions: {
        MarketType: "spot",
        SpotOptions: {
          SpotInstanceType: "one-time",
          InstanceInterruptionBehavior: "terminate",
          ...(maxSpotUsdPerHour !== undefined && { MaxPrice: String(maxSpotUsdPerHour) }),
        },
      },
    }),
  })
}

function isCapacity(error: BackendError): boolean {
  return capacityCodes.has(codeOf(error))
}

function fewer(api: Ec2Api, { machine }: LaunchSpec, asked: number, got: number): BackendError {
  const cause = Object.assign(new Error("Fewer instances than asked for."), {
    name: "InsufficientInstanceCapacity",
  })
  return new BackendError(
    `EC2 in ${api.region} has only ${got} of ${asked} ${machine.instanceType} instances now; take another \`instanceType\`, other \`subnets\`, or try later.`,
    { backend: "aws_ec2", kind: "unavailable", retryable: true, cause },
  )
}
