/** What calls cost, in US dollars. */
export interface Prices {
  readonly usdPerGbSecond: number
  readonly usdPerRequest: number
  /** Room in /tmp beyond the first 512 MiB. */
  readonly usdPerStorageGbSecond: number
}

/**
 * Amazon's list prices for most regions (us-east-1, eu-west-1, …), first tier, without the free tier. Some regions cost
 * more (by a third: af-south-1, ap-east-1), and prices change: options `usdPerGbSecond` and `usdPerRequest` say others.
 * As known in the month below. In November 2026 they were held against what third parties quote, which was the same; not against
 * Amazon's page itself.
 *
 * @see https://aws.amazon.com/lambda/pricing/
 */
export const pricesAsOf = "2025-08"

const common = { usdPerRequest: 0.2e-6, usdPerStorageGbSecond: 3.09e-8 }

export const listPrices: Readonly<Record<"x86_64" | "arm64", Prices>> = {
  x86_64: { usdPerGbSecond: 1.66667e-5, ...common },
  arm64: { usdPerGbSecond: 1.33334e-5, ...common },
}

/** One call. Lambda bills milliseconds, the start of an instance included. */
export function costOf(
  billedMs: number,
  { memoryMiB, ephemeralStorageMiB }: { memoryMiB: number; ephemeralStorageMiB: number },
  prices: Prices,
): number {
  const seconds = Math.ceil(billedMs) / 1000
  const storageGb = Math.max(0, ephemeralStorageMiB - 512) / 1024
  return (
    prices.usdPerRequest +
    seconds * ((memoryMiB / 1024) * prices.usdPerGbSecond + storageGb * prices.usdPerStorageGbSecond)
  )
}
