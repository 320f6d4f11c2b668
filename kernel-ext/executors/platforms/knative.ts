import { Knative } from "../../backends/knative/knative.ts"
import { knativeDefaults } from "../../config/serverless/knative.ts"
import type { MakePlatform } from "../platforms.ts"
import { filled } from "./filled.ts"

/** The cluster is reached as kubectl reaches it. */
export const knative: MakePlatform = (configured, options, where) => {
  const { env = {}, ...section } = filled(configured.section("knative", options, where), knativeDefaults)
  return { platform: new Knative({ ...section, env }), workers: section.workers, storage: undefined }
}
