import { codeEngineFacts } from "../../backends/code_engine/facts.ts"
import { loadedLater } from "../../backends/serverless/loaded-later.ts"
import { codeEngineDefaults, codeEngineFunctionDefaults } from "../../config/serverless/code-engine.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled, given } from "./filled.ts"

export const codeEngine: MakePlatform = (configured, options, where) => {
  const asked = configured.section("code_engine", options, where)
  const isFunction = asked.workload === "function"
  const section = filled(asked, isFunction ? codeEngineFunctionDefaults : codeEngineDefaults)
  const { env = {}, apiKey, usdPerVcpuSecond, usdPerGbSecond, usdPerRequest, ...settings } = section
  const platform = loadedLater(codeEngineFacts(settings), async () => {
    const { CodeEngine } = await import("../../backends/code_engine/code-engine.ts")
    return new CodeEngine({
      ...{ ...settings, env },
      apiKey: apiKey === undefined ? undefined : () => apiKey.reveal(),
      prices: given({ usdPerVcpuSecond, usdPerGbSecond, usdPerRequest }),
    })
  })
  return {
    platform,
    workers: settings.workers,
    storage: { backend: "ibm_cos", ...given({ region: settings.region }) },
  }
}
