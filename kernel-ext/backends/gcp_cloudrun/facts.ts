import type { PlatformFacts } from "../serverless/known-platform.ts"
import type { FunctionSize } from "../serverless/platform.ts"

export const cloudRunLimits = {
  requestBytes: 32 * 1024 * 1024,
  // What comes in parts has no limit.
  answerBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 3_600_000,
  memoryMiB: 32_768,
} as const

export function cloudRunFacts({
  memoryMiB,
  timeoutMs,
  concurrency = 1,
}: FunctionSize & { readonly concurrency?: number | undefined }) {
  return {
    ...{ name: "gcp_cloudrun", title: "Cloud Run", limits: cloudRunLimits },
    ...{ size: { memoryMiB, timeoutMs }, streams: true, pace: { callsPerInstance: concurrency } },
    throttledHint: "A higher quota of instances in the region, or fewer `workers`, helps.",
  } as const satisfies PlatformFacts
}
