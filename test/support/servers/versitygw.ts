import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { findProgram } from "../needs.ts"
import { type Server, startServer } from "./server-process.ts"

/** S3 with signatures that are checked: Versity's gateway over a folder. */

export const versitygw = {
  what: "versitygw (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)",
  find: (): string | undefined => findProgram("versitygw"),
}

export interface S3Server extends Server {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export async function startVersitygw(command: string): Promise<S3Server> {
  const keys = { accessKeyId: "cellfantestkey", secretAccessKey: "cellfan-test-secret-1f9b" }
  const server = await startServer({
    name: "versitygw",
    command,
    args: (port, folder) => {
      const data = join(folder, "data")
      mkdirSync(data)
      return ["--port", `127.0.0.1:${port}`, "--health", "/health", "posix", data]
    },
    env: () => ({ ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey }),
    isReady: async (url) => (await fetch(`${url}/health`)).ok,
  })
  return { ...server, ...keys }
}
