import * as z from "zod"
import { runtimeFor } from "../../backends/gcp_functions/source.ts"
import { gcpKeys, gcpOptions } from "../gcp.ts"
import { envOption, timeoutOption, workersOption } from "./options.ts"

const text = z.string().min(1)
const usd = z.number().min(0)

/** Options of executors. */
const options = {
  ...gcpOptions,
  endpoint: z
    .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
    .optional()
    .describe("URL of the interface that manages functions (default: Google's)")
    .meta({ taken: "a URL that begins with https:// or http://" }),
  memoryMiB: z
    .number()
    .int()
    .min(128)
    .max(32_768)
    .optional()
    .describe("Memory of an instance in MiB; processors grow with it: 2048 is one of them (default: 2048)")
    .meta({ lithops: "runtime_memory" }),
  cpu: z
    .number()
    .positive()
    .max(8)
    .optional()
    .describe(
      "Processors of an instance (default: what goes with its memory; one where it runs several calls)",
    ),
  timeoutMs: timeoutOption(" (default: 180000)", 3_600_000),
  workers: workersOption("(default: 100)"),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      "Calls that an instance runs at once, which share its memory: for tasks that mostly wait (default: 1)",
    ),
  runtime: z
    .enum(["nodejs22", "nodejs24"])
    .optional()
    .describe(
      "Node.js of the functions (default: nodejs24 where the notebook runs on Node 24 or newer, else nodejs22)",
    ),
  serviceAccount: text
    .optional()
    .describe("Service account that the functions run as (default: the project's own for computing)"),
  namespace: z
    .string()
    .regex(/^[\w-]{1,20}$/)
    .optional()
    .describe("Part of the functions' names, to keep those of several people or projects apart")
    .meta({ taken: 'up to 20 letters, digits, "-" and "_"' }),
  tags: z
    .record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/), z.string().regex(/^[a-z0-9_-]{0,63}$/))
    .optional()
    .describe("Labels of the functions")
    .meta({ taken: 'an object of texts of small letters, digits, "-" and "_"' }),
  usdPerVcpuSecond: usd
    .optional()
    .describe(
      "Price of a processor for a second in US dollars, for the cost of jobs (default: the list price)",
    ),
  usdPerGbSecond: usd
    .optional()
    .describe(
      "Price of a GB of memory for a second in US dollars, for the cost of jobs (default: the list price)",
    ),
  usdPerRequest: usd
    .optional()
    .describe("Price of a call in US dollars, for the cost of jobs (default: the list price)"),
}

/** What is meant where nobody says anything. */
export const gcpFunctionsDefaults = {
  ...{ memoryMiB: 2048, timeoutMs: 180_000, workers: 100, concurrency: 1 },
  runtime: runtimeFor(),
} as const

export const gcpFunctions = {
  options,
  section: { schema: z.strictObject({ ...options, ...gcpKeys, env: envOption }), inherits: ["gcp"] },
  storage: "gcp_storage",
} as const
