import type { PlatformLimits } from "../serverless/platform.ts"

/**
 * As OpenWhisk is delivered; whoever runs one may set others.
 *
 * @see https://github.com/apache/openwhisk/blob/master/docs/reference.md#system-limits
 */
export const openWhiskLimits: PlatformLimits = {
  requestBytes: 1024 * 1024,
  answerBytes: 1024 * 1024,
  timeoutMs: 300_000,
  memoryMiB: 512,
}
