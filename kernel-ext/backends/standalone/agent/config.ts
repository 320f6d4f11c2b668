import { readFileSync } from "node:fs"
import type { QueueAccess } from "../queue/access.ts"

/** What an agent's log says before why it is about to end. */
export const leaving = "Taking no more tasks: "

/** What an agent is started with: a file that only its owner may read, since it holds credentials. */
export interface AgentConfig {
  readonly version: 1
  /** Version of cellfan that it is of. */
  readonly cellfan: string
  readonly pool: string
  /** Machine it runs on, as people call it. */
  readonly host: string
  readonly access: QueueAccess
  /** Worker processes (default: one for each processor, fewer where memory is short). */
  readonly workers?: number | undefined
  /** Ends itself after so long without tasks (default: never). */
  readonly idleMs?: number | undefined
  /** Takes no tasks after so long, and ends itself when those that run have ended (default: never). */
  readonly hardMs?: number | undefined
  /** What it runs when it ends by itself: program and arguments. */
  readonly atEnd?: readonly string[] | undefined
  /** Where it asks whether the machine is about to be taken away. */
  readonly notices?: "aws" | undefined
  /** Whether it may make the pool's streams where they are missing. */
  readonly makesStreams?: boolean | undefined
}

/** @throws Error that says what is wrong with the file. */
export function readAgentConfig(file: string): AgentConfig {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, "utf8"))
  } catch (cause) {
    throw new Error(`The agent's configuration could not be read: ${(cause as Error).message}`, { cause })
  }
  const config = value as Partial<AgentConfig> | null
  const servers = config?.access?.servers
  if (
    config?.version !== 1 ||
    typeof config.pool !== "string" ||
    typeof config.host !== "string" ||
    !Array.isArray(servers)
  )
    throw new Error(`${file} is no configuration of an agent of this version of cellfan.`)
  return config as AgentConfig
}
