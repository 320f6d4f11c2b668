import * as z from "zod"
import { endpointOption, keyOptions, profileOption, regionOption } from "../aws.ts"

/** Options of instances on EC2. */

const text = z.string().min(1)
const count = z.number().int().min(1)
const usd = z.number().min(0)

const options = {
  region: regionOption,
  profile: profileOption,
  endpoint: endpointOption,
  instances: count.max(5000).optional().describe("Instances that run at once (default: 1)"),
  instanceType: z
    .string()
    .regex(/^[a-z0-9-]+\.[a-z0-9-]+$/)
    .optional()
    .describe("Type of the instances, such as c7g.xlarge (default: t3.medium)")
    .meta({ lithops: "worker_instance_type", taken: "a type of EC2, such as c7g.xlarge" }),
  instanceIds: z
    .array(z.string().regex(/^i-[0-9a-f]+$/))
    .min(1)
    .optional()
    .describe("Instances that exist, reached by Systems Manager: no others are made, and none is ended")
    .meta({ placeholder: "ID,…" }),
  image: text
    .optional()
    .describe(
      "Image, as ami-… or as a public parameter of Systems Manager; one that has Node.js starts soonest (default: Amazon Linux 2023)",
    )
    .meta({ lithops: "target_ami" }),
  subnets: z
    .array(z.string().regex(/^subnet-[0-9a-f]+$/))
    .min(1)
    .optional()
    .describe("Subnets, in the order in which they are tried (default: those of the default VPC)")
    .meta({ placeholder: "ID,…" }),
  securityGroup: text
    .optional()
    .describe("Security group of the instances (default: one that lets nothing in is made)")
    .meta({ lithops: "security_group_id" }),
  instanceProfile: text
    .optional()
    .describe("Instance profile, by name or ARN: what tasks may do on Amazon (default: nothing)")
    .meta({ lithops: "iam_role" }),
  keyName: text
    .optional()
    .describe("Key pair, for those who want to log in (default: none)")
    .meta({ lithops: "ssh_key_name" }),
  spot: z
    .boolean()
    .optional()
    .describe("Spot instances, which cost less and may be taken away; tasks then run elsewhere (default: no)")
    .meta({ lithops: "request_spot_instances" }),
  onDemandFallback: z
    .boolean()
    .optional()
    .describe("Instances at the full price where there are no spot instances (default: yes)"),
  maxSpotUsdPerHour: usd
    .optional()
    .describe("Most that a spot instance may cost an hour in US dollars (default: the price on demand)"),
  diskGiB: count.max(16_384).optional().describe("Disk of an instance in GiB (default: 20)"),
  nodeUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "Archive of Node.js (.tar.gz or .tar.xz) for images without it (default: the system's, or nodejs.org's)",
    )
    .meta({ taken: "a URL that begins with https:// or http://" }),
  headType: text
    .optional()
    .describe(
      "Type of the instance that the queue's server gets where `nats` names none (default: t3.small)",
    ),
  kernelAddress: text
    .optional()
    .describe(
      "Address or range the kernel comes from, which alone may reach that server (default: the one Amazon sees)",
    ),
  tags: z.record(z.string(), z.string()).optional().describe("Further tags of all that is made"),
  usdPerHour: usd
    .optional()
    .describe("Price of an instance in US dollars, for the cost of jobs (default: Amazon's list price)"),
}

/** What is meant where nobody says anything. */
export const awsEc2Defaults = {
  instances: 1,
  instanceType: "t3.medium",
  spot: false,
  onDemandFallback: true,
  diskGiB: 20,
  headType: "t3.small",
} as const

export const awsEc2 = {
  options,
  section: { schema: z.strictObject({ ...options, ...keyOptions }), inherits: ["aws"] },
} as const
