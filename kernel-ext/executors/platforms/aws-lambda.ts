import { ownCode } from "../../backends/lambda/function-code.ts"
import { Lambda } from "../../backends/lambda/lambda.ts"
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
  const platform = new Lambda({
    ...{ ...sizes, env, tags },
    access: { region, profile, endpoint, keys: accessKeyId === undefined ? undefined : keys },
    code: ownCode(runtime),
    prices: given({ usdPerGbSecond, usdPerRequest }),
  })
  const pathStyle = endpoint === undefined ? undefined : true
  return {
    platform,
    workers: sizes.workers,
    storage: { backend: "aws_s3", ...given({ region, profile, endpoint, pathStyle }) },
  }
}
