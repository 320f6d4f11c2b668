import * as z from "zod"

/** Options of what Google runs, which its sections of a configuration and executors share. */

const text = z.string().min(1)

export const gcpOptions = {
  region: text.optional().describe("Region, such as europe-west1").meta({ lithops: "region" }),
  project: text.optional().describe("Project (default: GOOGLE_CLOUD_PROJECT, or that of the credentials)"),
}

/** They stand in files and the environment, never in code. */
export const gcpKeys = {
  credentialsFile: text
    .optional()
    .describe(
      "File with the key of a service account, which functions elsewhere are sent too (default: found as Google's own libraries do)",
    )
    .meta({ lithops: "credentials_path" }),
}
