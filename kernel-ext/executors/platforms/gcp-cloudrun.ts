import { cloudRunFacts } from "../../backends/gcp_cloudrun/facts.ts"
import { loadedLater } from "../../backends/serverless/loaded-later.ts"
import { gcpCloudRunDefaults } from "../../config/serverless/gcp-cloudrun.ts"
import { credentialsIn } from "../../config/storage-sections.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

/** Credentials that nobody gives are found as Google's own libraries find them. */
export const gcpCloudRun: MakePlatform = (configured, options, where) => {
  const section = filled(configured.section("gcp_cloudrun", options, where), gcpCloudRunDefaults)
  const { usdPerVcpuSecond, usdPerGbSecond, usdPerRequest, credentialsFile, ...others } = section
  const { env = {}, tags = {}, ...settings } = others
  const platform = loadedLater(cloudRunFacts(settings), async () => {
    const { CloudRun } = await import("../../backends/gcp_cloudrun/cloudrun.ts")
    const prices = given({ usdPerVcpuSecond, usdPerGbSecond, usdPerRequest })
    return new CloudRun({
      ...{ ...settings, env, labels: tags, prices },
      credentials: credentialsIn(credentialsFile),
    })
  })
  const { project, workers } = settings
  return { platform, workers, storage: { backend: "gcp_storage", ...given({ project, credentialsFile }) } }
}
