import { CloudFunctions } from "../../backends/gcp_functions/functions.ts"
import { gcpFunctionsDefaults } from "../../config/serverless/gcp-functions.ts"
import { credentialsIn } from "../../config/storage-sections.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

/** Credentials that nobody names are found as Google's own libraries find them. */
export const gcpFunctions: MakePlatform = (configured, options, where) => {
  const section = filled(configured.section("gcp_functions", options, where), gcpFunctionsDefaults)
  const { credentialsFile, usdPerVcpuSecond, usdPerGbSecond, usdPerRequest, ...settings } = section
  const { env = {}, tags = {}, ...sizes } = settings
  const platform = new CloudFunctions({
    ...{ ...sizes, env, labels: tags },
    credentials: credentialsIn(credentialsFile),
    prices: given({ usdPerVcpuSecond, usdPerGbSecond, usdPerRequest }),
  })
  const { region, project } = sizes
  return {
    platform,
    workers: sizes.workers,
    storage: { backend: "gcp_storage", ...given({ region, project, credentialsFile }) },
  }
}
