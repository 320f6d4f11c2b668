import { awsEc2 } from "./aws-ec2.ts"
import { pool } from "./pool.ts"
import { ssh } from "./ssh.ts"

/**
 * Machines as configuration knows them: for each kind a file with its options and section, and a line in each of these tables.
 * executors/machines.ts has what brings them up. What all have in common, queue and agents, is pool.ts.
 */

/** Sections by name: "nats" is for machines that somebody else starts. */
export const standaloneSections = {
  standalone: pool.section,
  aws_ec2: awsEc2.section,
  ssh: ssh.section,
} as const

/** Options of executors. */
export const machineOptions = {
  ...awsEc2.options,
  ...pool.options,
  ...ssh.options,
}

/** Backends, in the order in which one is chosen by the options that it alone has. */
export const standaloneNames = ["aws_ec2", "nats", "ssh"] as const

export type StandaloneName = (typeof standaloneNames)[number]

/** Options that only one kind of machines has: who gives one means that kind. */
export const ownOptions: Readonly<Record<StandaloneName, readonly string[]>> = {
  aws_ec2: Object.keys(awsEc2.options),
  nats: [],
  ssh: Object.keys(ssh.options),
}

export function isStandalone(name: string | undefined): name is StandaloneName {
  return name !== undefined && (standaloneNames as readonly string[]).includes(name)
}
