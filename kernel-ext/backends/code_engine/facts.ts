import type { PlatformFacts } from "../serverless/loaded-later.ts"
import type { FunctionSize } from "../serverless/platform.ts"

const limits = {
  requestBytes: 32 * 1024 * 1024,
  // What comes in parts has no limit.
  answerBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 600_000,
  memoryMiB: 49_152,
} as const

export function codeEngineFacts({
  memoryMiB,
  timeoutMs,
  concurrency = 1,
}: FunctionSize & { readonly concurrency?: number | undefined }) {
  return {
    ...{ name: "code_engine", title: "Code Engine", limits, size: { memoryMiB, timeoutMs } },
    ...{ streams: true, endsLeftCalls: true, pace: { callsPerInstance: concurrency } },
    throttledHint: "A higher quota of instances for the project, or fewer `workers`, helps.",
  } as const satisfies PlatformFacts
}
