import * as z from "zod"

/**
 * Options that several serverless platforms have, as executors take them. The section of the platform that is chosen holds
 * values to its own limits and says its own defaults.
 */

const positiveInteger = z.number().int().min(1)
const text = z.string().min(1)
const usd = z.number().min(0)

export const sharedOptions = {
  region: text.optional().describe("Region (default: that of the provider's own tools)"),
  endpoint: z
    .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
    .optional()
    .describe("URL of the service, where it is not the provider's own: an emulator, or one of your own")
    .meta({ taken: "a URL that begins with https:// or http://" }),
  memoryMiB: positiveInteger
    .optional()
    .describe(
      "Memory of a function in MiB (default: aws_lambda 1769 and gcp_functions 2048, where processors grow with it; gcp_cloudrun and knative 1024, code_engine 2048, openwhisk 256)",
    ),
  timeoutMs: positiveInteger
    .min(1000)
    .optional()
    .describe("Longest time of one call in milliseconds, and so of one task (default: 180000)"),
  workers: positiveInteger
    .optional()
    .describe(
      "Calls that run at once (default: aws_lambda 1000, gcp_functions, gcp_cloudrun, knative and code_engine 100, openwhisk 30)",
    ),
  runtime: text
    .optional()
    .describe(
      "Node.js of the functions, as the platform calls it (default: the one nearest to the notebook's)",
    ),
  namespace: text
    .optional()
    .describe(
      "Part of the functions' names, to keep those of several people or projects apart; on knative and openwhisk, the platform's own namespace",
    ),
  tags: z.record(z.string(), z.string()).optional().describe("Tags or labels of the functions"),
  usdPerGbSecond: usd
    .optional()
    .describe(
      "Price of a GB of memory for a second in US dollars, for the cost of jobs (default: the list price)",
    ),
  usdPerRequest: usd
    .optional()
    .describe("Price of a call in US dollars, for the cost of jobs (default: the list price)"),
}

/** Options that several platforms have in the same words, with what is their own. */

export function timeoutOption(own: string, maxMs: number) {
  return positiveInteger
    .min(1000)
    .max(maxMs)
    .optional()
    .describe(`Longest time of one call in milliseconds, and so of one task${own}`)
    .meta({ lithops: "runtime_timeout", factor: 1000 })
}

export function workersOption(own: string) {
  return positiveInteger.optional().describe(`Calls that run at once ${own}`).meta({ lithops: "max_workers" })
}

export const envOption = z
  .record(z.string(), z.string())
  .optional()
  .describe("Environment variables of the functions")
  .meta({ lithops: "env_vars", secretValues: true })
