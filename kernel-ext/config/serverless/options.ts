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
    .describe("Memory of a function in MiB (default: aws_lambda 1769, where processors grow with it)"),
  timeoutMs: positiveInteger
    .min(1000)
    .optional()
    .describe("Longest time of one call in milliseconds, and so of one task (default: 180000)"),
  workers: positiveInteger.optional().describe("Calls that run at once (default: aws_lambda 1000)"),
  runtime: text
    .optional()
    .describe(
      "Node.js of the functions, as the platform calls it (default: the one nearest to the notebook's)",
    ),
  namespace: z
    .string()
    .regex(/^[\w-]{1,20}$/)
    .optional()
    .describe("Part of the functions' names, to keep those of several people or projects apart")
    .meta({ taken: 'up to 20 letters, digits, "-" and "_"' }),
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
