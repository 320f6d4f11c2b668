import type { StorageDescription } from "../../../protocol/storage.ts"
import type { AwsAccess } from "../../aws-sdk.ts"

/** What instances are to be, with no gaps: defaults are the configuration's. */
export interface Ec2Options {
  readonly access: AwsAccess
  /** Tag by which people tell theirs from others'. */
  readonly owner: string
  /** Whose instances are found again, and ended by `clean`. */
  readonly pool: string
  /** Instances to run at once. */
  readonly instances: number
  /** With fewer a job does not begin. */
  readonly minHosts: number
  /** Instances that exist: no others are made, and none is ended. */
  readonly instanceIds?: readonly string[]
  /** "c7g.xlarge". */
  readonly instanceType: string
  /** Image, as "ami-…" or as the path of a public parameter of Systems Manager (default: Amazon Linux 2023). */
  readonly image?: string | undefined
  /** Where instances stand (default: subnets of the default VPC). */
  readonly subnets?: readonly string[]
  /** Default: one without a way in is made. */
  readonly securityGroup?: string | undefined
  /** Name or ARN. */
  readonly instanceProfile?: string | undefined
  /** Key pair, for those who want to log in. */
  readonly keyName?: string | undefined
  readonly spot: boolean
  /** Whether instances at the full price take the place of spot instances that cannot be had. */
  readonly onDemandFallback: boolean
  /** Default: the price on demand. */
  readonly maxSpotUsdPerHour?: number | undefined
  readonly diskGiB: number
  /** Worker processes of an instance (default: one for each processor). */
  readonly workersPerHost?: number | undefined
  readonly tags?: Readonly<Record<string, string>>
  /** Archive of Node.js for Linux (.tar.gz, .tar.xz), for images without it. */
  readonly nodeUrl?: string | undefined
  /** Type of the instance that the queue's server gets. */
  readonly headType: string
  /** Addresses the kernel comes from, as 198.51.100.7 or 10.0.0.0/16 (default: the one that Amazon sees). */
  readonly kernelAddress?: string | undefined
  /** How long an instance may stay at most: what is older, `clean` and people know to be left over. */
  readonly expiresAfterMs: number
  /** Price of an instance (default: Amazon's list price). */
  readonly usdPerHour?: number | undefined
  /** Where files go that are larger than user data; called when there is one. */
  readonly storage: () => StorageDescription
  /** How often is looked what became of instances, while some are pending and when none is (default: 2000, 15 000). */
  readonly pollMs?: { readonly pending: number; readonly steady: number }
  /** Wait before a call is made again that failed (default: 300); doubles with each further one. */
  readonly firstPauseMs?: number
}
