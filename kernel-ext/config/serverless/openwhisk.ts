import * as z from "zod"
import { envOption, timeoutOption, workersOption } from "./options.ts"

const text = z.string().min(1)

/** Options of executors. */
const options = {
  endpoint: z
    .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
    .optional()
    .describe("URL of the API host (default: APIHOST in ~/.wskprops)")
    .meta({ lithops: "endpoint", taken: "a URL that begins with https:// or http://" }),
  namespace: text
    .optional()
    .describe(
      "Namespace of OpenWhisk (default: NAMESPACE in ~/.wskprops, or the one that the key belongs to)",
    )
    .meta({ lithops: "namespace" }),
  insecure: z
    .boolean()
    .optional()
    .describe("Whether certificates are taken as they are (default: INSECURE_SSL in ~/.wskprops, or false)")
    .meta({ lithops: "insecure" }),
  memoryMiB: z
    .number()
    .int()
    .min(128)
    .optional()
    .describe(
      "Memory of an action in MiB; OpenWhisk allows 512, unless it was set up otherwise (default: 256)",
    )
    .meta({ lithops: "runtime_memory" }),
  timeoutMs: timeoutOption(
    "; OpenWhisk allows 300000, unless it was set up otherwise (default: 180000)",
    Number.MAX_SAFE_INTEGER,
  ),
  workers: workersOption("(default: 30, which is what OpenWhisk allows unless it was set up otherwise)"),
  runtime: text
    .optional()
    .describe("Kind of the actions, as OpenWhisk calls its Node.js (default: nodejs:20)"),
  usdPerGbSecond: z
    .number()
    .min(0)
    .optional()
    .describe("Price of a GB of memory for a second in US dollars, for the cost of jobs (default: 0)"),
}

/** What is meant where nobody says anything. */
export const openWhiskDefaults = { memoryMiB: 256, timeoutMs: 180_000, workers: 30 } as const

/** What a section takes beside them. */
const section = {
  apiKey: text
    .optional()
    .describe("Key, NAME:PASSWORD (default: AUTH in ~/.wskprops)")
    .meta({ lithops: "api_key", secret: true }),
  env: envOption,
}

export const openWhisk = {
  options,
  section: { schema: z.strictObject({ ...options, ...section }), inherits: [] },
  storage: "localhost",
} as const
