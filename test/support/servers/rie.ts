import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { root } from "../repository.ts"
import { bareFiles } from "./lambda-code.ts"
import { freePort, type Server, startServer } from "./server-process.ts"

/** Amazon's own Runtime Interface Emulator around the worker's zip as it is deployed. One call at a time. */

export const rie = {
  what: "aws-lambda-rie (beside this clone, in ../shared/servers)",
  find: (): string | undefined => {
    const file = join(dirname(root), "shared", "servers", "aws-lambda-rie", "aws-lambda-rie")
    return existsSync(file) && process.platform === "linux" && process.arch === "x64" ? file : undefined
  },
}

export interface RieServer extends Server {
  /** Calls the function. Resolves with the answer's text. */
  invoke(event: object): Promise<string>
}

export async function startRie(command: string, folder: string, timeoutS: number): Promise<RieServer> {
  await mkdir(folder, { recursive: true })
  for (const [name, { bytes, ...rest }] of Object.entries(bareFiles()))
    await writeFile(join(folder, name), bytes, { mode: "executable" in rest ? 0o755 : 0o644 })
  const runtimePort = await freePort()
  const server = await startServer({
    name: "aws-lambda-rie",
    command,
    args: (port) => [
      ...["--runtime-interface-emulator-address", `127.0.0.1:${port}`],
      ...["--runtime-api-address", `127.0.0.1:${runtimePort}`],
      join(folder, "bootstrap"),
    ],
    env: (_, ownFolder) => ({
      TMPDIR: ownFolder,
      AWS_LAMBDA_FUNCTION_NAME: "f",
      AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeoutS),
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "512",
      LAMBDA_TASK_ROOT: folder,
      _HANDLER: "index.handler",
    }),
    // It answers no other path.
    isReady: async (url) => (await fetch(url)).status === 404,
  })
  return {
    ...server,
    async invoke(event) {
      const url = `${server.url}/2015-03-31/functions/function/invocations`
      return (await fetch(url, { method: "POST", body: JSON.stringify(event) })).text()
    },
  }
}
