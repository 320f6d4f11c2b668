import * as z from "zod"
import { gcpKeys, gcpOptions } from "../gcp.ts"
import { containerOptions, containerSection } from "./containers.ts"

const text = z.string().min(1)
const usd = z.number().min(0)

/** Options of executors. */
const options = {
  ...gcpOptions,
  endpoint: z
    .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
    .optional()
    .describe("URL of Cloud Run's Admin API (default: Google's)")
    .meta({ taken: "a URL that begins with https:// or http://" }),
  serviceAccount: text
    .optional()
    .describe("E-mail of the account that the instances run as (default: the project's own for computing)"),
  namespace: z
    .string()
    .regex(/^[a-z0-9-]{1,15}$/)
    .optional()
    .describe("Part of the services' names, to keep those of several people or projects apart")
    .meta({ taken: 'up to 15 lower-case letters, digits and "-"' }),
  tags: z.record(z.string(), z.string()).optional().describe("Labels of the services"),
  ...containerOptions({
    ...{ memoryMiB: 1024, maxMemoryMiB: 32_768, maxTimeoutMs: 3_600_000, workers: 100 },
    cpu: "(default: 1, or as many as its memory needs)",
  }),
  usdPerVcpuSecond: usd
    .optional()
    .describe(
      "Price of a processor for a second in US dollars, for the cost of jobs (default: the list price)",
    ),
  usdPerRequest: usd
    .optional()
    .describe("Price of a call in US dollars, for the cost of jobs (default: the list price)"),
}

/** What is meant where nobody says anything. */
export const gcpCloudRunDefaults = { memoryMiB: 1024, timeoutMs: 180_000, workers: 100 } as const

export const gcpCloudRun = {
  options,
  section: { schema: z.strictObject({ ...options, ...containerSection, ...gcpKeys }), inherits: ["gcp"] },
  storage: "gcp_storage",
} as const
