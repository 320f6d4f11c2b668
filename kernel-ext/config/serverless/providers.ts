import { awsLambda } from "./aws-lambda.ts"
import { codeEngine } from "./code-engine.ts"
import { gcpCloudRun } from "./gcp-cloudrun.ts"
import { gcpFunctions } from "./gcp-functions.ts"
import { knative } from "./knative.ts"
import { openWhisk } from "./openwhisk.ts"
import { sharedOptions } from "./options.ts"

/**
 * Serverless platforms as configuration knows them: for each a file with its options and section, and a line in each of
 * these tables. executors/platforms.ts has what makes them.
 */

/** Sections by name. */
export const serverlessSections = {
  aws_lambda: awsLambda.section,
  gcp_cloudrun: gcpCloudRun.section,
  gcp_functions: gcpFunctions.section,
  knative: knative.section,
  code_engine: codeEngine.section,
  openwhisk: openWhisk.section,
} as const

/** Options of executors: those of each platform; of a name that several have, the one that says what is common to them. */
export const platformOptions = {
  ...awsLambda.options,
  ...gcpCloudRun.options,
  ...gcpFunctions.options,
  ...knative.options,
  ...codeEngine.options,
  ...openWhisk.options,
  ...sharedOptions,
}

/** Storage that functions reach, where nobody names one. */
export const storageBeside: Readonly<Record<ServerlessName, string>> = {
  aws_lambda: awsLambda.storage,
  gcp_cloudrun: gcpCloudRun.storage,
  gcp_functions: gcpFunctions.storage,
  knative: knative.storage,
  code_engine: codeEngine.storage,
  openwhisk: openWhisk.storage,
}

export type ServerlessName = keyof typeof serverlessSections

export const serverlessNames = Object.keys(serverlessSections) as [ServerlessName, ...ServerlessName[]]

export function isServerless(name: string | undefined): name is ServerlessName {
  return name !== undefined && Object.hasOwn(serverlessSections, name)
}
