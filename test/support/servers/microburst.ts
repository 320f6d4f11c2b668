import { existsSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../needs.ts"
import { root } from "../repository.ts"
import { type Server, startServer } from "./server-process.ts"

/** A proxy before an emulator that breaks what passes through it, by rules. */

export const microburst = {
  what: "microburst (npm test installs it; or pip install microburst)",
  find: (): string | undefined => {
    const installed = join(root, ".venv", "servers", "bin", "microburst")
    return existsSync(installed) ? installed : findProgram("microburst")
  },
}

export interface FaultProxy extends Server {
  /** @param rules See microburst's own documentation. */
  setRules(rules: readonly object[]): Promise<void>
  /** What it broke, by what it did. */
  fired(): Promise<Map<string, number>>
}

export async function startMicroburst(command: string, upstream: string): Promise<FaultProxy> {
  const server = await startServer({
    name: "microburst",
    command,
    args: (port) => ["--upstream", upstream, "--port", String(port), "--host", "127.0.0.1"],
    isReady: async (url) => (await fetch(`${url}/_microburst/rules`)).ok,
    startMs: 90_000,
  })
  return {
    ...server,
    async setRules(rules) {
      const body = JSON.stringify(rules)
      const response = await fetch(`${server.url}/_microburst/rules`, { method: "PATCH", body })
      if (!response.ok) throw new Error(`microburst refused the rules: ${await response.text()}`)
    },
    async fired() {
      const metrics = await (await fetch(`${server.url}/_microburst/metrics`)).text()
      const found = metrics.matchAll(/microburst_faults_total\{[^}]*action="([^"]*)"[^}]*\} (\d+)/g)
      const counts = new Map<string, number>()
      for (const [, action = "", count] of found)
        counts.set(action, (counts.get(action) ?? 0) + Number(count))
      return counts
    },
  }
}
