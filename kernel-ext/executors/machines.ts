import type { HostProvider } from "../backends/standalone/hosts.ts"
import type { Configuration } from "../config/load.ts"
import type { StandaloneName } from "../config/standalone/providers.ts"
import { awsEc2Machines } from "./machines/aws-ec2.ts"
import { sshMachines } from "./machines/ssh.ts"

/** Machines as options and configuration ask for them. */
export interface ConfiguredMachines {
  readonly provider: HostProvider
  /** Machines that are wanted, as far as is known before any is there. */
  readonly count: number
}

/** What all kinds of machines are told. */
export interface MachineSettings {
  readonly pool: string
  /** So many have to be there for work to begin. */
  readonly minHosts: number
  readonly workersPerHost: number | undefined
}

/**
 * @param given What was said in code or by a magic's flags.
 * @param where Who takes `given`, for messages.
 * @throws ConfigError for what is wrong in either.
 */
export type MakeMachines = (
  configured: Configuration,
  given: object,
  settings: MachineSettings,
  where: string,
) => ConfiguredMachines

/** What brings each kind up; undefined where somebody else does: config/standalone has their options. */
export const machines: Readonly<Record<StandaloneName, MakeMachines | undefined>> = {
  aws_ec2: awsEc2Machines,
  nats: undefined,
  ssh: sshMachines,
}
