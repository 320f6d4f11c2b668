/**
 * Amazon's list prices on demand in us-east-1, Linux, in US dollars an hour, of the size "large"; other sizes are in
 * proportion. Most regions cost some percent more, and prices change: option `usdPerHour` says another.
 *
 * @see https://aws.amazon.com/ec2/pricing/on-demand/
 */
export const pricesAsOf = "2025-08"

const usdOfLarge: Readonly<Record<string, number>> = {
  ...{ t3: 0.0832, t3a: 0.0752, t4g: 0.0672 },
  ...{ m5: 0.096, m5a: 0.086, m6i: 0.096, m6a: 0.0864, m6g: 0.077, m7i: 0.1008, m7a: 0.11592, m7g: 0.0816 },
  ...{ c5: 0.085, c5a: 0.077, c6i: 0.085, c6a: 0.0765, c6g: 0.068, c7i: 0.08925, c7a: 0.10264, c7g: 0.0725 },
  ...{ r5: 0.126, r5a: 0.113, r6i: 0.126, r6a: 0.1134, r6g: 0.1008, r7i: 0.1323, r7a: 0.15215, r7g: 0.1071 },
  ...{ m8g: 0.08976, c8g: 0.07976, r8g: 0.11782 },
}

const smaller: Readonly<Record<string, number>> = { nano: 1 / 16, micro: 1 / 8, small: 1 / 4, medium: 1 / 2 }

/** Types whose sizes are not in proportion. */
const others: Readonly<Record<string, number>> = {
  "g4dn.xlarge": 0.526,
  "g5.xlarge": 1.006,
  "g6.xlarge": 0.8048,
}

/** What an instance costs on demand; undefined where no price is known. */
export function listPrice(instanceType: string): number | undefined {
  const [family = "", size = ""] = instanceType.split(".")
  const large = usdOfLarge[family]
  if (large === undefined) return others[instanceType]
  const times = size === "large" ? 1 : (smaller[size] ?? timesLarge(size))
  return times === undefined ? undefined : large * times
}

/** "xlarge" is two of "large", "4xlarge" eight. */
function timesLarge(size: string): number | undefined {
  const [, count] = /^(\d*)xlarge$/.exec(size) ?? []
  return count === undefined ? undefined : 2 * Number(count || 1)
}

const hoursOfMonth = 730
const usdPerGiBMonth = 0.08
/** A public IPv4 address costs something while it is in use. */
const usdPerAddressHour = 0.005

/** What stands beside the instance: its disk (gp3) and its public address. */
export function besidesUsdPerHour(diskGiB: number, hasPublicAddress: boolean): number {
  return (diskGiB * usdPerGiBMonth) / hoursOfMonth + (hasPublicAddress ? usdPerAddressHour : 0)
}

/** Instances are billed by the second, for a minute at least. */
export function costSince(usdPerHour: number, sinceMs: number, nowMs: number): number {
  return (usdPerHour * Math.max(60_000, nowMs - sinceMs)) / 3_600_000
}
