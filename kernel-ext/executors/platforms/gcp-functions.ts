import { cloudFunctionsFacts } from "../../backends/gcp_functions/facts.ts"
import { loadedLater } from "../../backends/serverless/loaded-later.ts"
import { gcpFunctionsDefaults } from "../../config/serverless/gcp-functions.ts"
import { credentialsIn } from "../../config/storage-sections.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

/** Credentials that nobody names are found as Google's own libraries find them. */
export const gcpFunctions: MakePlatform = (configured, options, where) => {
  const section = filled(configured.section("gcp_functions", options, where), gcpFunctionsDefaults)
  const { credentialsFile, usdPerVcpuSecond, usdPerGbSecond, usdPerRequest, ...settings } = section
  const { env = {}, tags = {}, ...sizes } = settings
  const platform = loadedLater(cloudFunctionsFacts(sizes), async () => {
    const { CloudFunctions } = await import("../../backends/gcp_functions/functions.ts")
    const prices = given({ usdPerVcpuSecond, usdPerGbSecond, usdPerRequest })
    return new CloudFunctions({
      ...{ ...sizes, env, labels: tags, prices },
      credentials: credentialsIn(credentialsFile),
    })
  })
  const { region, project } = sizes
  return {
    platform,
    workers: sizes.workers,
    storage: { backend: "gcp_storage", ...given({ region, project, credentialsFile }) },
  }
}
