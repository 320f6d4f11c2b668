import { OpenWhisk } from "../../backends/openwhisk/openwhisk.ts"
import { openWhiskDefaults } from "../../config/serverless/openwhisk.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled } from "./filled.ts"

/** What nobody says is found as OpenWhisk's own tool finds it. */
export const openWhisk: MakePlatform = (configured, options, where) => {
  const section = configured.section("openwhisk", options, where)
  const { workers, apiKey, env = {}, ...others } = filled(section, openWhiskDefaults)
  const platform = new OpenWhisk({
    ...{ ...others, env },
    apiKey: apiKey === undefined ? undefined : () => apiKey.reveal(),
  })
  return { platform, workers, storage: undefined }
}
