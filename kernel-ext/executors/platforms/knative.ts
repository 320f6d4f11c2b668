import { knativeFacts } from "../../backends/knative/facts.ts"
import { loadedLater } from "../../backends/serverless/loaded-later.ts"
import { knativeDefaults } from "../../config/serverless/knative.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled } from "./filled.ts"

/** The cluster is reached as kubectl reaches it. */
export const knative: MakePlatform = (configured, options, where) => {
  const { env = {}, ...section } = filled(configured.section("knative", options, where), knativeDefaults)
  const platform = loadedLater(knativeFacts(section), async () => {
    const { Knative } = await import("../../backends/knative/knative.ts")
    return new Knative({ ...section, env })
  })
  return { platform, workers: section.workers, storage: undefined }
}
