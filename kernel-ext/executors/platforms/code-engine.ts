import { CodeEngine } from "../../backends/code_engine/code-engine.ts"
import { codeEngineDefaults } from "../../config/serverless/code-engine.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

export const codeEngine: MakePlatform = (configured, options, where) => {
  const section = filled(configured.section("code_engine", options, where), codeEngineDefaults)
  const { env = {}, apiKey, usdPerVcpuSecond, usdPerGbSecond, usdPerRequest, ...settings } = section
  const platform = new CodeEngine({
    ...{ ...settings, env },
    apiKey: apiKey === undefined ? undefined : () => apiKey.reveal(),
    prices: given({ usdPerVcpuSecond, usdPerGbSecond, usdPerRequest }),
  })
  return {
    platform,
    workers: settings.workers,
    storage: { backend: "ibm_cos", ...given({ region: settings.region }) },
  }
}
