import { existsSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../needs.ts"
import { root } from "../repository.ts"
import { type Server, startServer } from "./server-process.ts"

/** An emulator of Amazon's services: S3, Lambda, IAM and more, without signatures. */

export const ministack = {
  what: "ministack (npm test installs it; or pip install ministack)",
  find: (): string | undefined => {
    const installed = join(root, ".venv", "servers", "bin", "ministack")
    return existsSync(installed) ? installed : findProgram("ministack")
  },
}

/** @param env Further settings of its own, such as LAMBDA_ACCOUNT_CONCURRENCY. */
export function startMinistack(command: string, env: Readonly<Record<string, string>> = {}): Promise<Server> {
  return startServer({
    name: "ministack",
    command,
    args: () => [],
    env: (port, folder) => ({
      BIND_HOST: "127.0.0.1",
      GATEWAY_PORT: String(port),
      MINISTACK_HOST: "127.0.0.1",
      HOME: folder,
      TMPDIR: folder,
      ...env,
    }),
    isReady: async (url) => (await fetch(`${url}/_ministack/health`)).ok,
  })
}
