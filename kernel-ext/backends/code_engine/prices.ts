/** What instances cost, in US dollars: processors and memory by the second that a call runs, and each call. */
export interface Prices {
  readonly usdPerVcpuSecond: number
  readonly usdPerGbSecond: number
  readonly usdPerRequest: number
}

/**
 * IBM's list prices for us-south, without the free tier. Some regions cost more, and prices change: options say others. What an instance
 * costs that waits for a further call is not in it.
 *
 * @see https://www.ibm.com/products/code-engine/pricing
 */
export const pricesAsOf = "2025-08"

export const listPrices: Prices = {
  usdPerVcpuSecond: 3.431e-5,
  usdPerGbSecond: 3.56e-6,
  usdPerRequest: 5.38e-7,
}

export function costOf(
  billedMs: number,
  { cpu, memoryGb, concurrency }: { cpu: number; memoryGb: number; concurrency: number },
  prices: Prices,
): number {
  const { usdPerVcpuSecond, usdPerGbSecond, usdPerRequest } = prices
  // Calls that share an instance share what it costs.
  const seconds = billedMs / 1000 / concurrency
  return usdPerRequest + seconds * (cpu * usdPerVcpuSecond + memoryGb * usdPerGbSecond)
}
