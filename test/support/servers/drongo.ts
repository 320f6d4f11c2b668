import { existsSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../needs.ts"
import { root } from "../repository.ts"
import { type Server, startServer } from "./server-process.ts"

/** What manages Google's services, as drongo has it: it keeps functions, and runs none. */

export const drongo = {
  what: "drongo (npm test installs it; or pip install drongo)",
  find: (): string | undefined => {
    const installed = join(root, ".venv", "servers", "bin", "drongo")
    return existsSync(installed) ? installed : findProgram("drongo")
  },
}

export function startDrongo(command: string): Promise<Server> {
  return startServer({
    name: "drongo",
    command,
    args: (port) => ["server", "--host", "127.0.0.1", "--port", String(port)],
    isReady: async (url) => (await fetch(`${url}/drongo/health`)).ok,
    startMs: 90_000,
  })
}
