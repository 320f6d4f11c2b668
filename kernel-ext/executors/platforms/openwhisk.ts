import { openWhiskFacts } from "../../backends/openwhisk/facts.ts"
import { loadedLater } from "../../backends/serverless/loaded-later.ts"
import { openWhiskDefaults } from "../../config/serverless/openwhisk.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled } from "./filled.ts"

/** What nobody says is found as OpenWhisk's own tool finds it. */
export const openWhisk: MakePlatform = (configured, options, where) => {
  const section = configured.section("openwhisk", options, where)
  const { workers, apiKey, env = {}, ...others } = filled(section, openWhiskDefaults)
  const platform = loadedLater(openWhiskFacts(others), async () => {
    const { OpenWhisk } = await import("../../backends/openwhisk/openwhisk.ts")
    return new OpenWhisk({
      ...{ ...others, env },
      apiKey: apiKey === undefined ? undefined : () => apiKey.reveal(),
    })
  })
  return { platform, workers, storage: undefined }
}
