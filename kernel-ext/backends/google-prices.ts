/** What instances cost, in US dollars: processors and memory by the second that they answer calls, and each call. */
export interface Prices {
  readonly usdPerVcpuSecond: number
  readonly usdPerGbSecond: number
  readonly usdPerRequest: number
}

/**
 * Google's list prices for regions of tier 1 (us-central1, europe-west1, …), billed by request, without the free tier. Those of tier 2 cost more,
 * and prices change: options say others.
 *
 * @see https://cloud.google.com/run/pricing
 */
export const pricesAsOf = "2025-08"

export const listPrices: Prices = {
  usdPerVcpuSecond: 2.4e-5,
  usdPerGbSecond: 2.5e-6,
  usdPerRequest: 4e-7,
}

/** One call. Cloud Run bills steps of 100 milliseconds. */
export function costOf(
  billedMs: number,
  { cpu, memoryMiB, concurrency }: { cpu: number; memoryMiB: number; concurrency: number },
  { usdPerVcpuSecond, usdPerGbSecond, usdPerRequest }: Prices,
): number {
  // Calls that share an instance share what it costs.
  const seconds = (Math.ceil(billedMs / 100) * 100) / 1000 / concurrency
  return usdPerRequest + seconds * (cpu * usdPerVcpuSecond + (memoryMiB / 1024) * usdPerGbSecond)
}
