import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { BackendError } from "../../errors.ts"
import { exportsOf } from "../../util/exports-of.ts"

/** Amazon's SDK, loaded when it is first used; and clients that leave retries to us. */

/** How Amazon is reached. What is not said, the SDK finds as it always does. */
export interface AwsAccess {
  readonly region?: string | undefined
  readonly profile?: string | undefined
  /** URL of the services, where they are not Amazon's. */
  readonly endpoint?: string | undefined
  /** Called when a client is made, so that keys stand nowhere else. */
  readonly keys?: (() => AwsKeys) | undefined
}

export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

const importLambda = () => import("@aws-sdk/client-lambda")
const importIam = () => import("@aws-sdk/client-iam")

export type LambdaSdk = Awaited<ReturnType<typeof importLambda>>
export type LambdaClient = InstanceType<LambdaSdk["LambdaClient"]>

/** Beyond the longest time of a function: the way there and back, and the start of an instance. */
const answerMarginMs = 60_000

export const lambdaSdk = () => load("@aws-sdk/client-lambda", importLambda)
export const iamSdk = () => load("@aws-sdk/client-iam", importIam)

/** Options that all clients take. */
export function clientOptions({ region, profile, endpoint, keys }: AwsAccess) {
  return {
    // An emulator takes any region.
    ...((region ?? endpoint) !== undefined && { region: region ?? process.env.AWS_REGION ?? "us-east-1" }),
    ...(profile !== undefined && { profile }),
    ...(endpoint !== undefined && { endpoint }),
    ...(keys !== undefined && { credentials: keys() }),
  }
}

/** A client for many calls at once, each of which is signed and sent once. */
export async function openLambda(
  access: AwsAccess,
  sockets: number,
  timeoutMs: number,
): Promise<LambdaClient> {
  const { LambdaClient } = await lambdaSdk()
  const agent = { keepAlive: true, maxSockets: sockets }
  return new LambdaClient({
    ...clientOptions(access),
    maxAttempts: 1,
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent,
      connectionTimeout: 10_000,
      requestTimeout: timeoutMs + answerMarginMs,
      throwOnRequestTimeout: true,
    },
  })
}

/** It says in every process which version of Node it will need next year: that is for whoever updates cellfan. */
const quiet = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"

/** Beside cellfan, or in the notebook's own folder. */
async function load<T extends object>(name: string, importIt: () => Promise<T>): Promise<T> {
  process.env[quiet] ??= "true"
  try {
    return exportsOf(await importIt())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error
    return loadFrom(name, error)
  }
}

async function loadFrom<T extends object>(name: string, cause: unknown): Promise<T> {
  try {
    const require = createRequire(`${process.cwd()}/package.json`)
    return exportsOf(await import(pathToFileURL(require.resolve(name)).href))
  } catch {
    throw new BackendError(
      "Tasks on Lambda need Amazon's SDK, which is not installed: run npm install @aws-sdk/client-lambda @aws-sdk/client-iam",
      { backend: "aws_lambda", kind: "setup", retryable: false, cause },
    )
  }
}
