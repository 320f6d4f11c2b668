import * as z from "zod"
import { platformOptions, serverlessNames } from "./serverless/providers.ts"
import { machineOptions, standaloneNames } from "./standalone/providers.ts"

/**
 * Every option, once: its type, default, range, flag and documentation all come from here. A description is the flag's help.
 * Options are camelCase in code and kebab-case as flags: `timeoutMs` is `--timeout-ms`.
 */

const positiveInteger = z.number().int().min(1)
const milliseconds = z.number().positive()

/** Options of `map`, `callAsync` and `mapReduce`, and flags of the cell magics. */
export const jobOptions = z.strictObject({
  name: z
    .string()
    .min(1)
    .optional()
    .describe("What the job is called in the grid (default: the function's name)"),
  chunkSize: positiveInteger
    .optional()
    .describe("Tasks that travel to a worker together (default: adapts to how long tasks take)"),
  timeoutMs: milliseconds
    .optional()
    .describe("Longest run of one task in milliseconds; then it fails with TimeoutError (default: none)"),
  memoryMiB: positiveInteger.optional().describe("Heap of a worker in MiB (default: Node's own)"),
  isolation: z
    .enum(["process", "thread"])
    .optional()
    .describe(
      "What local workers are: processes, or threads of the kernel's process, which share SharedArrayBuffers and move large results, and which a native crash takes down together with the kernel (default: process)",
    ),
  retries: z.number().int().min(0).default(0).describe("How often a task that failed is run again"),
  backoffMs: z
    .number()
    .min(0)
    .default(100)
    .describe("Wait before the first retry in milliseconds; doubles with each further one"),
  lostRetries: z
    .number()
    .int()
    .min(0)
    .default(1)
    .describe("How often a task is run again whose worker died under it"),
  failFast: z.boolean().default(false).describe("Cancel the rest at the first failure"),
  concurrency: positiveInteger
    .optional()
    .describe("Tasks that run at once (default: as many as there are workers)"),
  seed: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe("Seed of ctx.random(): equal seeds give equal numbers on any executor"),
  backupAfter: z
    .number()
    .min(1)
    .optional()
    .describe(
      "Once most tasks are done, run a second copy of one that takes this many times their median (default: never)",
    ),
  cache: z
    .boolean()
    .default(false)
    .describe(
      "Keep results by code, captured values, input and packages, and take those known from earlier jobs instead of running their tasks",
    ),
  env: z.record(z.string(), z.string()).default({}).describe("Environment variables of the tasks"),
  packages: z
    .strictObject({ external: z.array(z.string().min(1)).optional() })
    .optional()
    .describe(
      "`external`: npm packages that workers elsewhere have installed, and that are not to be sent (default: all are sent)",
    )
    .meta({ taken: 'an object such as { external: ["sharp"] }', placeholder: "external=NAME,…" }),
})

export type JobOptions = z.input<typeof jobOptions>
export type ResolvedJobOptions = z.output<typeof jobOptions>

/** Options that only `mapReduce` has. */
export const reduceOptions = z.strictObject({
  reducePerObject: z
    .boolean()
    .default(false)
    .describe(
      "Reduce the results of each object on their own: inputs that have the same `source` are parts of one object",
    ),
  spawnReducerAt: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe(
      "Percentage of the map's tasks that have ended when the reduction is handed to the backend, which deploys or starts what it needs; it begins when all its results are there",
    ),
})

export type ReduceOptions = z.input<typeof reduceOptions>

/** What an executor may set for all its jobs; the options of a job come first. */
const executorDefaults = {
  timeoutMs: jobOptions.shape.timeoutMs,
  memoryMiB: jobOptions.shape.memoryMiB,
  isolation: jobOptions.shape.isolation,
  retries: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("How often a task that failed is run again (default: 0)"),
}

/** Options of `new LocalhostExecutor(…)` and flags of %LocalhostExecutor. */
export const localhostOptions = z.strictObject({
  workers: positiveInteger
    .max(1024)
    .optional()
    .describe("Workers (default: the cores this machine lets the kernel use)"),
  ...executorDefaults,
})

export type LocalhostOptions = z.input<typeof localhostOptions>

/** Options of `new ServerlessExecutor(…)` and flags of %ServerlessExecutor. */
export const serverlessOptions = z.strictObject({
  backend: z
    .enum(serverlessNames)
    .optional()
    .describe("Whose functions (default: as configured, or aws_lambda)"),
  ...platformOptions,
  retries: executorDefaults.retries,
})

export type ServerlessOptions = z.input<typeof serverlessOptions>

/** Options of `new StandaloneExecutor(…)` and flags of %StandaloneExecutor. */
export const standaloneOptions = z.strictObject({
  backend: z
    .enum(standaloneNames)
    .optional()
    .describe("Whose machines (default: what the other options are for, or as configured)"),
  ...machineOptions,
  timeoutMs: executorDefaults.timeoutMs,
  memoryMiB: executorDefaults.memoryMiB,
  retries: executorDefaults.retries,
})

export type StandaloneOptions = z.input<typeof standaloneOptions>

/** Options of `new FunctionExecutor(…)`. */
export const functionExecutorOptions = z.strictObject({
  mode: z
    .enum(["localhost", "serverless", "standalone"])
    .optional()
    .describe(
      "Where tasks run: on this machine, in serverless functions, or on machines of your own (default: as configured, or localhost)",
    ),
  ...localhostOptions.shape,
})

export type FunctionExecutorOptions = z.input<typeof functionExecutorOptions>
