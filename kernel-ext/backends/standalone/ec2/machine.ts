import { BackendError } from "../../../errors.ts"
import type { Ec2Api } from "./api.ts"
import type { ListedInstance } from "./inventory.ts"
import type { Ec2Options } from "./options.ts"
import { besidesUsdPerHour, listPrice } from "./prices.ts"

/** What kind of machine an instance is: its type, its image, and what it costs. */
export interface Machine {
  readonly instanceType: string
  readonly platform: "linux-x64" | "linux-arm64"
  readonly cpus: number
  readonly imageId: string
  /** Name of the image's own disk. */
  readonly rootDevice: string
}

const architectures = { x86_64: "linux-x64", arm64: "linux-arm64" } as const

/** Amazon Linux 2023, the newest there is. */
const amazonLinux = (architecture: string) =>
  `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`

/** Looks up type and image, before anything is made. */
export async function findMachine(
  api: Ec2Api,
  instanceType: string,
  image: string | undefined,
  signal?: AbortSignal,
): Promise<Machine> {
  const { architecture, cpus } = await findType(api, instanceType, signal)
  const imageId = await findImage(api, image ?? amazonLinux(architecture), signal)
  const found = await api.call(
    "ec2:DescribeImages",
    `look up the image ${imageId}`,
    (client, call) => client.send(new api.sdk.DescribeImagesCommand({ ImageIds: [imageId] }), call),
    signal,
  )
  const [{ Architecture = architecture, RootDeviceName = "/dev/xvda" } = {}] = found.Images ?? []
  if (Architecture !== architecture)
    throw wrong(
      `The image ${imageId} is for ${Architecture}, and instances of type ${instanceType} are ${architecture}: give another \`image\` or \`instanceType\`.`,
    )
  const platform = architectures[architecture]
  return { instanceType, platform, cpus, imageId, rootDevice: RootDeviceName }
}

async function findType(api: Ec2Api, instanceType: string, signal?: AbortSignal) {
  const { InstanceTypes: [type] = [] } = await api.call(
    "ec2:DescribeInstanceTypes",
    `look up the instance type ${instanceType}`,
    (client, call) =>
      client.send(
        new api.sdk.DescribeInstanceTypesCommand({ InstanceTypes: [instanceType as "t3.small"] }),
        call,
      ),
    signal,
  )
  const supported: readonly string[] = type?.ProcessorInfo?.SupportedArchitectures ?? []
  const architecture = supported.includes("x86_64") ? "x86_64" : "arm64"
  if (type === undefined || !supported.includes(architecture))
    throw wrong(
      `Instances of type ${instanceType} cannot run tasks: their processors are ${supported.join(", ") || "not known"}, and x86_64 or arm64 is needed.`,
    )
  return { architecture, cpus: type.VCpuInfo?.DefaultVCpus ?? 1 } as const
}

async function findImage(api: Ec2Api, image: string, signal?: AbortSignal): Promise<string> {
  if (image.startsWith("ami-")) return image
  if (!image.startsWith("/"))
    throw wrong(
      `Option \`image\` takes an image as ami-0123456789abcdef0, or a parameter of Systems Manager as /aws/service/…, but got ${image}.`,
    )
  const { Parameter } = await api.ssm(
    "ssm:GetParameter",
    `look up the image ${image}`,
    (client, sdk) => client.send(new sdk.GetParameterCommand({ Name: image })),
    signal,
  )
  return Parameter?.Value ?? ""
}

/** What an instance costs an hour: as the options say for the type they ask for, else by Amazon's prices. */
export async function priceOf(
  api: Ec2Api,
  {
    usdPerHour: own,
    diskGiB,
    instanceType: wanted,
  }: Pick<Ec2Options, "usdPerHour" | "diskGiB" | "instanceType">,
  { instanceType, market, zone, publicAddress }: PricedInstance,
): Promise<number | undefined> {
  if (own !== undefined && instanceType === wanted) return own
  const hasPublicAddress = publicAddress !== undefined
  return usdPerHour(api, { instanceType, zone, diskGiB, spot: market === "spot", hasPublicAddress })
}

type PricedInstance = Pick<ListedInstance, "instanceType" | "market" | "zone" | "publicAddress">

/** All that belongs to it included; undefined where no price is known. */
async function usdPerHour(
  api: Ec2Api,
  {
    instanceType,
    spot,
    zone,
    diskGiB,
    hasPublicAddress,
  }: {
    instanceType: string
    spot: boolean
    zone: string | undefined
    diskGiB: number
    hasPublicAddress: boolean
  },
): Promise<number | undefined> {
  const price = spot
    ? await spotPrice(api, instanceType, zone).catch(() => undefined)
    : listPrice(instanceType)
  return price === undefined ? undefined : price + besidesUsdPerHour(diskGiB, hasPublicAddress)
}

async function spotPrice(
  api: Ec2Api,
  instanceType: string,
  zone: string | undefined,
): Promise<number | undefined> {
  const asked = {
    InstanceTypes: [instanceType as "t3.small"],
    ProductDescriptions: ["Linux/UNIX"],
    StartTime: new Date(),
    ...(zone !== undefined && { AvailabilityZone: zone }),
  }
  const { SpotPriceHistory: [newest] = [] } = await api.once(
    "ec2:DescribeSpotPriceHistory",
    "look up the price of spot instances",
    (client) => client.send(new api.sdk.DescribeSpotPriceHistoryCommand(asked)),
  )
  const price = Number(newest?.SpotPrice)
  return price > 0 ? price : undefined
}

function wrong(message: string): BackendError {
  return new BackendError(message, { backend: "aws_ec2", kind: "setup", retryable: false })
}
