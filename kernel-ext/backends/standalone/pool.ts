import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { BackendError } from "../../errors.ts"
import { cellfanVersion } from "../../util/version.ts"
import type { AgentConfig } from "./agent/config.ts"
import { agentCredentials, agentValidMs } from "./head/credentials.ts"
import { agentAccess, keepIdentity, kernelAccess, poolIdentity } from "./head/identity.ts"
import type { AgentHost, AgentRecipe, HostEvents, HostProvider } from "./hosts.ts"
import type { QueueAccess } from "./queue/access.ts"

/** What agents of a pool have in common. */
export interface AgentSettings {
  readonly workersPerHost?: number | undefined
  readonly idleMs?: number | undefined
  readonly hardMs?: number | undefined
}

export interface PoolMachines {
  readonly pool: string
  readonly provider: HostProvider
  readonly agents: AgentSettings
  /** The queue's servers, where they are somebody else's. */
  readonly access?: QueueAccess | undefined
  /** The program nats-server, where one is to be started. */
  readonly natsServer?: string | undefined
}

export interface ReachedPool {
  readonly kernel: QueueAccess
  readonly agents: QueueAccess
  /** What agents are to be given again and again, where the server is the pool's own. */
  readonly renewal?: { readonly everyMs: number; credentials(): string }
}

/** An agent that works until its limit has time to end what it runs. */
const spareMs = 60 * 60 * 1000

/**
 * Brings a pool's server up where nobody has one.
 *
 * @returns how this kernel and agents reach it.
 */
export async function bringServerUp(
  { pool, provider, agents, access, natsServer }: PoolMachines,
  events: HostEvents,
  signal: AbortSignal,
): Promise<ReachedPool> {
  if (access !== undefined) return { kernel: access, agents: access }
  const { head } = provider
  if (head === undefined) throw noServer(provider.name)
  const { headRecipe } = await import("./head/recipe.ts")
  const identity = poolIdentity(provider.name, pool)
  const recipe = headRecipe(identity, { natsServer, say: (text) => events.say(text) })
  const address = await head.call(provider, recipe, events, signal)
  keepIdentity({ ...identity, address })
  const validMs = Math.max(agentValidMs, (agents.hardMs ?? 0) + spareMs)
  return {
    kernel: kernelAccess(identity, address.kernel),
    agents: agentAccess(identity, address.agents, validMs),
    renewal: { everyMs: agentValidMs / 4, credentials: () => agentCredentials(pool, identity.keys, validMs) },
  }
}

/** Has the provider start the agent on its machines. Resolves when enough of them have it. */
export async function startAgents(
  { pool, provider, agents }: PoolMachines,
  access: QueueAccess,
  events: HostEvents,
  signal: AbortSignal,
): Promise<void> {
  const code = readFileSync(agentFile())
  const recipe: AgentRecipe = {
    pool,
    code,
    hash: createHash("sha256").update(code).digest("hex").slice(0, 16),
    node: "^20.19 || >=22.12",
    config: (host) => JSON.stringify(agentConfig(pool, access, agents, host)),
  }
  await provider.start(recipe, events, signal)
}

export function agentConfig(
  pool: string,
  access: QueueAccess,
  { workersPerHost, idleMs, hardMs }: AgentSettings,
  { name, workers = workersPerHost, atEnd, notices }: AgentHost,
): AgentConfig {
  return {
    version: 1,
    cellfan: cellfanVersion(),
    pool,
    host: name,
    access,
    workers,
    idleMs,
    hardMs,
    atEnd,
    notices,
  }
}

/** The built agent: beside the bundle this runs from, or in dist/ of the clone when it runs from source. */
export function agentFile(): string {
  const here = import.meta.url
  const folder = here.endsWith(".ts") ? "../../../dist/" : here.includes("/chunks/") ? "../" : "./"
  return fileURLToPath(new URL(`${folder}agent.mjs`, here))
}

function noServer(name: string): BackendError {
  return new BackendError(
    `No machine of ${name} can run the queue's server. Give the address of your own NATS by the option \`nats\`.`,
    { backend: name, retryable: false, kind: "setup" },
  )
}
