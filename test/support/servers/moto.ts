import { existsSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../needs.ts"
import { root } from "../repository.ts"
import { type Server, startServer } from "./server-process.ts"

/** An emulator of EC2, Systems Manager and S3 that knows what there is, and runs nothing. Its gaps: ../ec2/shim.ts. */

export const moto = {
  what: "moto_server (npm test installs it; or pip install moto[ec2,ssm] flask flask-cors)",
  find: (): string | undefined => {
    const installed = join(root, ".venv", "servers", "bin", "moto_server")
    return existsSync(installed) ? installed : findProgram("moto_server")
  },
}

export function startMoto(command: string): Promise<Server> {
  return startServer({
    name: "moto",
    command,
    args: (port) => ["-H", "127.0.0.1", "-p", String(port)],
    env: () => ({ AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }),
    isReady: async (url) => (await fetch(`${url}/moto-api/data.json`)).ok,
  })
}
