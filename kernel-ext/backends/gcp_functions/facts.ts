import type { GoogleService } from "../google-errors.ts"
import type { PlatformFacts } from "../serverless/known-platform.ts"
import type { FunctionSize } from "../serverless/platform.ts"

export const google: GoogleService = {
  ...{ name: "gcp_functions", title: "Cloud Functions" },
  ...{ api: "cloudfunctions.googleapis.com", developer: "Cloud Functions Developer" },
  logs: "gcloud functions logs read",
  // The newest one asks for Node 22.
  packages: "@google-cloud/functions@4 google-auth-library",
}

/** @see https://cloud.google.com/functions/quotas */
export const cloudFunctionsLimits = {
  requestBytes: 32 * 1024 * 1024,
  // What comes in parts has no limit.
  answerBytes: Number.MAX_SAFE_INTEGER,
  timeoutMs: 3_600_000,
  memoryMiB: 32_768,
} as const

export function cloudFunctionsFacts({
  memoryMiB,
  timeoutMs,
  concurrency = 1,
}: FunctionSize & { readonly concurrency?: number | undefined }) {
  return {
    ...{ name: google.name, title: google.title, limits: cloudFunctionsLimits },
    ...{ size: { memoryMiB, timeoutMs }, streams: true, pace: { callsPerInstance: concurrency } },
    throttledHint: "A higher quota of instances in the region, or fewer `workers`, helps.",
  } as const satisfies PlatformFacts
}
