import * as z from "zod"
import { envOption, timeoutOption, workersOption } from "./options.ts"

/** Options of platforms whose functions are containers. */

const text = z.string().min(1)
const usd = z.number().min(0)

export interface ContainerDefaults {
  readonly memoryMiB: number
  readonly maxMemoryMiB: number
  readonly maxTimeoutMs: number
  readonly workers: number
  /** Follows "Processors of an instance". */
  readonly cpu: string
}

export function containerOptions({ memoryMiB, maxMemoryMiB, maxTimeoutMs, workers, cpu }: ContainerDefaults) {
  return {
    memoryMiB: z
      .number()
      .int()
      .min(256)
      .max(maxMemoryMiB)
      .optional()
      .describe(`Memory of an instance in MiB (default: ${memoryMiB})`)
      .meta({ lithops: "runtime_memory" }),
    cpu: z
      .number()
      .positive()
      .optional()
      .describe(`Processors of an instance ${cpu}`)
      .meta({ lithops: "runtime_cpu" }),
    timeoutMs: timeoutOption(" (default: 180000)", maxTimeoutMs),
    workers: workersOption(`(default: ${workers})`),
    concurrency: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe(
        "Calls that an instance runs at once, which share its memory: for tasks that mostly wait (default: 1)",
      ),
    image: text
      .optional()
      .describe(
        "Image of the instances, which has Node.js 20.19 or newer (default: Node's own, node:22-slim or node:24-slim)",
      ),
    usdPerGbSecond: usd
      .optional()
      .describe(
        "Price of a GB of memory for a second in US dollars, for the cost of jobs (default: the list price)",
      ),
  }
}

/** What their sections take beside them. */
export const containerSection = { env: envOption }
