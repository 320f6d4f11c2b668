import { lambdaFacts } from "../../backends/lambda/facts.ts"
import { loadedLater } from "../../backends/serverless/loaded-later.ts"
import { awsLambdaDefaults } from "../../config/serverless/aws-lambda.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

/** Credentials that nobody gives are found as Amazon's SDK finds them. */
export const awsLambda: MakePlatform = (configured, options, where) => {
  const section = configured.section("aws_lambda", options, where)
  const { region, profile, endpoint, runtime, ...others } = filled(section, awsLambdaDefaults)
  const { accessKeyId, secretAccessKey, sessionToken, usdPerGbSecond, usdPerRequest, ...settings } = others
  const { env = {}, tags = {}, ...sizes } = settings
  const keys = () => ({
    accessKeyId: accessKeyId ?? "",
    secretAccessKey: secretAccessKey?.reveal() ?? "",
    ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
  })
  const access = { region, profile, endpoint, keys: accessKeyId === undefined ? undefined : keys }
  const platform = loadedLater(lambdaFacts({ ...sizes, access }), async () => {
    const { Lambda } = await import("../../backends/lambda/lambda.ts")
    const { ownCode } = await import("../../backends/lambda/function-code.ts")
    const prices = given({ usdPerGbSecond, usdPerRequest })
    return new Lambda({ ...sizes, env, tags, access, code: ownCode(runtime), prices })
  })
  const pathStyle = endpoint === undefined ? undefined : true
  return {
    platform,
    workers: sizes.workers,
    storage: { backend: "aws_s3", ...given({ region, profile, endpoint, pathStyle }) },
  }
}
