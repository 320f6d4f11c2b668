import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { AgentConfig } from "../../../../kernel-ext/backends/standalone/agent/config.ts"
import type { AgentRecipe, HostEvents, HostState } from "../../../../kernel-ext/backends/standalone/hosts.ts"
import { root } from "../../../support/repository.ts"

/** The built agent, for a queue's server at `url`. */
export function agentRecipe(url: string, more: Partial<AgentConfig> = {}): AgentRecipe {
  const code = readFileSync(join(root, "dist", "agent.mjs"))
  return recipeOf(code, (config) => ({
    ...{ version: 1, pool: "test", access: { servers: [url] }, makesStreams: true },
    ...config,
    ...more,
  }))
}

/** An agent that is a few lines: what it does, a test says. */
export function smallRecipe(lines: string, pool = "test"): AgentRecipe {
  return recipeOf(Buffer.from(lines), (config) => config, pool)
}

function recipeOf(code: Buffer, config: (given: object) => object, pool = "test"): AgentRecipe {
  const hash = createHash("sha256").update(code).digest("hex")
  return {
    ...{ pool, code, hash, node: "^20.19 || >=22.12" },
    config: ({ name, ...rest }) => JSON.stringify(config({ host: name, ...rest })),
  }
}

/** What a provider tells. */
export class Told implements HostEvents {
  readonly said: string[] = []
  readonly states: HostState[] = []

  say(text: string): void {
    this.said.push(text)
  }

  host(state: HostState): void {
    this.states.push(state)
  }
}
