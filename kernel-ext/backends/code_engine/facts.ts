import type { PlatformFacts } from "../serverless/known-platform.ts"
import type { FunctionSize } from "../serverless/platform.ts"

/** What tasks run as: Code Engine's apps are containers, its functions code that it has a runtime for. */
export type WorkloadKind = "app" | "function"

const appLimits = {
  requestBytes: 32 * 1024 * 1024,
  // What comes in parts has no limit.
  answerBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 600_000,
  memoryMiB: 49_152,
} as const

/** @see https://cloud.ibm.com/docs/codeengine?topic=codeengine-limits */
export const functionLimits = {
  // Where it ends is not in the interface's description: this is what OpenWhisk's runtimes, which these are, take everywhere.
  requestBytes: 1024 * 1024,
  answerBytes: 1024 * 1024,
  timeoutMs: 120_000,
  memoryMiB: 4096,
} as const

export function codeEngineFacts({
  memoryMiB,
  timeoutMs,
  concurrency = 1,
  workload = "app",
}: FunctionSize & {
  readonly concurrency?: number | undefined
  readonly workload?: WorkloadKind | undefined
}) {
  const isApp = workload === "app"
  return {
    ...{ name: "code_engine", title: "Code Engine", size: { memoryMiB, timeoutMs } },
    ...{ limits: isApp ? appLimits : functionLimits, streams: isApp, endsLeftCalls: isApp },
    pace: { callsPerInstance: concurrency },
    throttledHint: "A higher quota of instances for the project, or fewer `workers`, helps.",
  } as const satisfies PlatformFacts
}
