import type { PlatformFacts } from "../serverless/known-platform.ts"
import type { FunctionSize } from "../serverless/platform.ts"
import { openWhiskLimits } from "./limits.ts"

export function openWhiskFacts({ memoryMiB, timeoutMs }: FunctionSize) {
  return {
    ...{ name: "openwhisk", title: "OpenWhisk", size: { memoryMiB, timeoutMs }, streams: false },
    // Who asks for more knows of an OpenWhisk that allows it; it says so where it does not.
    limits: {
      ...openWhiskLimits,
      memoryMiB: Math.max(memoryMiB, openWhiskLimits.memoryMiB),
      timeoutMs: Math.max(timeoutMs, openWhiskLimits.timeoutMs),
    },
    throttledHint: "Higher limits of the namespace, or fewer `workers`, help.",
  } as const satisfies PlatformFacts
}
