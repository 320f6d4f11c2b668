import type { PlatformFacts } from "../serverless/known-platform.ts"
import type { FunctionSize } from "../serverless/platform.ts"
import { lambdaLimits } from "./limits.ts"

export interface LambdaFactsOptions extends FunctionSize {
  readonly access: { readonly endpoint?: string | undefined }
  /** Functions that share the calls, each of which scales for itself. */
  readonly shards?: number
  /** Whether functions answer in parts, so that progress and logs are seen live. Default: on Amazon itself. */
  readonly streams?: boolean
}

export function lambdaFacts({ memoryMiB, timeoutMs, shards, streams, access }: LambdaFactsOptions) {
  return {
    ...{ name: "aws_lambda", title: "Lambda", limits: lambdaLimits, size: { memoryMiB, timeoutMs }, shards },
    streams: streams ?? access.endpoint === undefined,
    throttledHint: 'A higher quota "Concurrent executions", or fewer `workers`, helps.',
  } as const satisfies PlatformFacts
}
