import * as z from "zod"
import { containerOptions, containerSection } from "./containers.ts"

const text = z.string().min(1)
const usd = z.number().min(0)

/** Of all that IBM runs. */
export const ibmOptions = {
  region: text.optional().describe("Region, such as eu-de").meta({ lithops: "region" }),
  resourceGroupId: text
    .optional()
    .describe("Resource group in which a project is made (default: the account's own)")
    .meta({ lithops: "resource_group_id" }),
}

/** They stand in files and the environment, never in code. */
export const ibmKeys = {
  apiKey: text
    .optional()
    .describe("API key of IBM Cloud (default: IBMCLOUD_API_KEY)")
    .meta({ lithops: "iam_api_key", secret: true }),
}

/** Options of executors. */
const options = {
  ...ibmOptions,
  endpoint: z
    .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
    .optional()
    .describe("URL of Code Engine's REST interface (default: that of the region)")
    .meta({ taken: "a URL that begins with https:// or http://" }),
  project: text
    .optional()
    .describe("Project, by its name; it is made where it does not exist (default: cellfan)")
    .meta({ lithops: "project_name" }),
  workload: z
    .enum(["app", "function"])
    .optional()
    .describe(
      "What tasks run as on Code Engine: app, which shows logs and progress live, or function, which starts faster and runs for at most two minutes (default: app)",
    ),
  ...containerOptions({
    ...{ memoryMiB: 2048, maxMemoryMiB: 49_152, maxTimeoutMs: 600_000, workers: 100 },
    cpu: "(default: 1, or what goes with its memory)",
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
export const codeEngineDefaults = { memoryMiB: 2048, timeoutMs: 180_000, workers: 100 } as const

/** The same for functions. */
export const codeEngineFunctionDefaults = { ...codeEngineDefaults, timeoutMs: 120_000 } as const

const iamEndpoint = z
  .url({ protocol: /^https?$/ })
  .optional()
  .describe("URL of IAM (default: IBM's)")
  .meta({ taken: "a URL that begins with https:// or http://" })

export const codeEngine = {
  options,
  section: {
    schema: z.strictObject({ ...options, ...containerSection, ...ibmKeys, iamEndpoint }),
    inherits: ["ibm"],
  },
  storage: "ibm_cos",
} as const
