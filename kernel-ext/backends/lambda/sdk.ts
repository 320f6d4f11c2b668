import { type AwsAccess, clientOptions, loadSdk } from "../aws-sdk.ts"

/** Amazon's SDK for functions, loaded when it is first used; and clients that leave retries to us. */

export { type AwsAccess, type AwsKeys, clientOptions } from "../aws-sdk.ts"

const importLambda = () => import("@aws-sdk/client-lambda")
const importIam = () => import("@aws-sdk/client-iam")

export type LambdaSdk = Awaited<ReturnType<typeof importLambda>>
export type IamSdk = Awaited<ReturnType<typeof importIam>>
export type LambdaClient = InstanceType<LambdaSdk["LambdaClient"]>

/** Beyond the longest time of a function: the way there and back, and the start of an instance. */
const answerMarginMs = 60_000

const needed = {
  backend: "aws_lambda",
  what: "Tasks on Lambda",
  packages: "@aws-sdk/client-lambda @aws-sdk/client-iam",
}

export const lambdaSdk = () => loadSdk("@aws-sdk/client-lambda", importLambda, needed)
export const iamSdk = () => loadSdk("@aws-sdk/client-iam", importIam, needed)

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
