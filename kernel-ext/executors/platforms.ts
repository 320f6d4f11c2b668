import type { Platform } from "../backends/serverless/platform.ts"
import type { Configuration } from "../config/load.ts"
import type { ServerlessName } from "../config/serverless/providers.ts"
import type { StorageOptions } from "../config/storage.ts"
import { awsLambda } from "./platforms/aws-lambda.ts"
import { codeEngine } from "./platforms/code-engine.ts"
import { gcpCloudRun } from "./platforms/gcp-cloudrun.ts"
import { gcpFunctions } from "./platforms/gcp-functions.ts"
import { knative } from "./platforms/knative.ts"
import { openWhisk } from "./platforms/openwhisk.ts"

/** A serverless platform as options and configuration ask for it. */
export interface ConfiguredPlatform {
  readonly platform: Platform
  /** Calls that run at once. */
  readonly workers: number
  /** Storage that its functions reach, where the one that is configured is files of this machine. Undefined: there is none beside it. */
  readonly storage: StorageOptions | undefined
}

/**
 * @param given What was said in code or by a magic's flags.
 * @param where Who takes `given`, for messages.
 * @throws ConfigError for what is wrong in either.
 */
export type MakePlatform = (configured: Configuration, given: object, where: string) => ConfiguredPlatform

/** What makes each: config/serverless has their options. */
export const platforms: Readonly<Record<ServerlessName, MakePlatform>> = {
  aws_lambda: awsLambda,
  gcp_cloudrun: gcpCloudRun,
  gcp_functions: gcpFunctions,
  knative,
  code_engine: codeEngine,
  openwhisk: openWhisk,
}
