import type { PlatformFacts } from "../serverless/known-platform.ts"
import type { FunctionSize } from "../serverless/platform.ts"

const limits = {
  // Knative has none of its own; what stands before it usually has.
  requestBytes: 32 * 1024 * 1024,
  answerBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 600_000,
  memoryMiB: 65_536,
} as const

export function knativeFacts({
  memoryMiB,
  timeoutMs,
  concurrency = 1,
}: FunctionSize & { readonly concurrency?: number | undefined }) {
  return {
    ...{ name: "knative", title: "Knative", limits, size: { memoryMiB, timeoutMs } },
    ...{ streams: true, endsLeftCalls: true, pace: { callsPerInstance: concurrency } },
    throttledHint: "More room in the cluster, or fewer `workers`, helps.",
  } as const satisfies PlatformFacts
}
