import { CloudRun } from "../../backends/gcp_cloudrun/cloudrun.ts"
import { gcpCloudRunDefaults } from "../../config/serverless/gcp-cloudrun.ts"
import { credentialsIn } from "../../config/storage-sections.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

/** Credentials that nobody gives are found as Google's own libraries find them. */
export const gcpCloudRun: MakePlatform = (configured, options, where) => {
  const section = filled(configured.section("gcp_cloudrun", options, where), gcpCloudRunDefaults)
  const { usdPerVcpuSecond, usdPerGbSecond, usdPerRequest, credentialsFile, ...others } = section
  const { env = {}, tags = {}, ...settings } = others
  const platform = new CloudRun({
    ...{ ...settings, env, labels: tags },
    credentials: credentialsIn(credentialsFile),
    prices: given({ usdPerVcpuSecond, usdPerGbSecond, usdPerRequest }),
  })
  const { project, workers } = settings
  return { platform, workers, storage: { backend: "gcp_storage", ...given({ project, credentialsFile }) } }
}
