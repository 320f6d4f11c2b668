import * as z from "zod"
import { runtimeFor } from "../../backends/lambda/runtime.ts"
import { endpointOption, keyOptions, profileOption, regionOption } from "../aws.ts"
import { envOption } from "./options.ts"

const mebibytes = (from: number, to: number) => z.number().int().min(from).max(to)
const usd = z.number().min(0)

/** Options of executors. */
const options = {
  region: regionOption,
  profile: profileOption,
  endpoint: endpointOption,
  roleArn: z
    .string()
    .regex(/^arn:[\w-]+:iam::\d*:role\/.+$/)
    .optional()
    .describe("Role that the functions run as (default: one is made)")
    .meta({
      lithops: "execution_role",
      taken: "the ARN of a role, such as arn:aws:iam::123456789012:role/NAME",
    }),
  memoryMiB: mebibytes(128, 10_240)
    .optional()
    .describe("Memory of a function in MiB; processors grow with it: 1769 is one of them (default: 1769)")
    .meta({ lithops: "runtime_memory" }),
  timeoutMs: z
    .number()
    .int()
    .min(1000)
    .max(900_000)
    .optional()
    .describe("Longest time of one call in milliseconds, and so of one task (default: 180000)")
    .meta({ lithops: "runtime_timeout", factor: 1000 }),
  workers: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("Calls that run at once (default: 1000, which is what a new account may have)")
    .meta({ lithops: "max_workers" }),
  shards: z
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe("Functions that share the calls, each of which gets instances at its own pace (default: 1)"),
  runtime: z
    .enum(["nodejs22.x", "nodejs24.x"])
    .optional()
    .describe(
      "Node.js of the functions (default: nodejs24.x where the notebook runs on Node 24 or newer, else nodejs22.x)",
    ),
  architecture: z
    .enum(["x86_64", "arm64"])
    .optional()
    .describe("Processors of the functions (default: x86_64)")
    .meta({ lithops: "architecture" }),
  ephemeralStorageMiB: mebibytes(512, 10_240)
    .optional()
    .describe("Room in /tmp in MiB (default: 512)")
    .meta({ lithops: "ephemeral_storage" }),
  namespace: z
    .string()
    .regex(/^[\w-]{1,20}$/)
    .optional()
    .describe("Part of the functions' names, to keep those of several people or projects apart")
    .meta({ lithops: "namespace", taken: 'up to 20 letters, digits, "-" and "_"' }),
  tags: z
    .record(z.string(), z.string())
    .optional()
    .describe("Tags of the functions")
    .meta({ lithops: "user_tags" }),
  usdPerGbSecond: usd
    .optional()
    .describe(
      "Price of a GB of memory for a second in US dollars, for the cost of jobs (default: Amazon's list price)",
    ),
  usdPerRequest: usd
    .optional()
    .describe("Price of a call in US dollars, for the cost of jobs (default: Amazon's list price)"),
}

/** What is meant where nobody says anything. */
export const awsLambdaDefaults = {
  memoryMiB: 1769,
  timeoutMs: 180_000,
  workers: 1000,
  shards: 1,
  runtime: runtimeFor(),
  architecture: "x86_64",
  ephemeralStorageMiB: 512,
} as const

/** What a section takes beside them. */
const section = {
  ...keyOptions,
  env: envOption,
}

export const awsLambda = {
  options,
  section: { schema: z.strictObject({ ...options, ...section }), inherits: ["aws"] },
  storage: "aws_s3",
} as const
