import { hostname, userInfo } from "node:os"
import type { Ec2Hosts } from "../../backends/standalone/ec2/ec2.ts"
import { hostsLater } from "../../backends/standalone/hosts-later.ts"
import type { Configuration } from "../../config/load.ts"
import { awsEc2, awsEc2Defaults } from "../../config/standalone/aws-ec2.ts"
import { poolDefaults } from "../../config/standalone/pool.ts"
import { describeStorage, storageBackend } from "../../config/storage.ts"
import type { StorageDescription } from "../../protocol/storage.ts"
import type { MachineSettings, MakeMachines } from "../machines.ts"
import { filled, given } from "../platforms/filled.ts"

/** Instances on EC2. */
export const awsEc2Machines: MakeMachines = (configured, options, settings, where) => {
  const { load, count } = awsEc2Hosts(configured, options, settings, where)
  return { provider: hostsLater("aws_ec2", load), count }
}

/** What makes and finds instances, as options and configuration ask for it; its code is loaded when it is called for. */
export function awsEc2Hosts(
  configured: Configuration,
  options: object,
  { pool, minHosts, workersPerHost }: MachineSettings,
  where: string,
): { readonly load: () => Promise<Ec2Hosts>; readonly count: number } {
  const own = Object.fromEntries(Object.entries(options).filter(([key]) => key in awsEc2.options))
  const section = filled(configured.section("aws_ec2", own, where), awsEc2Defaults)
  const { region, profile, endpoint, accessKeyId, secretAccessKey, sessionToken, ...settings } = section
  const keys = () => ({
    accessKeyId: accessKeyId ?? "",
    secretAccessKey: secretAccessKey?.reveal() ?? "",
    ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
  })
  const ec2 = {
    ...given(settings),
    ...{ instances: settings.instances, instanceType: settings.instanceType, headType: settings.headType },
    ...{ spot: settings.spot, onDemandFallback: settings.onDemandFallback, diskGiB: settings.diskGiB },
    ...{ pool, minHosts, workersPerHost },
    access: { region, profile, endpoint, keys: accessKeyId === undefined ? undefined : keys },
    owner: owner(),
    expiresAfterMs: configured.section("standalone").hardMs ?? poolDefaults.hardMs,
    storage: () => storageBeside(configured, { region, profile, endpoint }),
  }
  const load = async () => new (await import("../../backends/standalone/ec2/ec2.ts")).Ec2Hosts(ec2)
  return { load, count: settings.instanceIds?.length ?? settings.instances }
}

/** The configured storage, where instances can reach it; or S3 beside them. */
function storageBeside(
  configured: Configuration,
  access: { region: string | undefined; profile: string | undefined; endpoint: string | undefined },
): StorageDescription {
  if (storageBackend(configured) !== "localhost") return describeStorage(configured)
  const pathStyle = access.endpoint === undefined ? undefined : true
  return describeStorage(configured, { backend: "aws_s3", ...given({ ...access, pathStyle }) })
}

/** As a tag may have it. */
function owner(): string {
  return `${userInfo().username}@${hostname()}`.replace(/[^\w .:/=+@-]/g, "").slice(0, 200)
}
