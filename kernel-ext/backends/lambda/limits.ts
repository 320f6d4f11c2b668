import type { PlatformLimits } from "../serverless/platform.ts"

/** @see https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const lambdaLimits: PlatformLimits = {
  requestBytes: 6 * 1024 * 1024,
  answerBytes: 6 * 1024 * 1024,
  timeoutMs: 900_000,
  memoryMiB: 10_240,
  leastMemoryMiB: 128,
}
