import { existsSync } from "node:fs"
import { connect } from "node:net"
import { homedir } from "node:os"
import { join } from "node:path"
import type { HeadRecipe, QueueAddress } from "../hosts.ts"
import { sshError } from "./errors.ts"
import { type Head, headProgram, url } from "./head.ts"
import { endPrograms, removeUnused } from "./processes.ts"
import { shellHere } from "./shell.ts"

/** The queue's server on this machine, where nobody but this user's hosts reaches it: by tunnels through their connections. */

const address = "127.0.0.1"

/** Not in a cache: results are kept there for a day. */
function folderHere(): string {
  return join(homedir(), ".cellfan", "ssh")
}

/** Starts it, or finds it again with what it has. It outlives this process. */
export async function startHeadHere(recipe: HeadRecipe): Promise<Head> {
  const platform = `${process.platform}-${process.arch}`
  if (platform !== "linux-x64" && platform !== "linux-arm64")
    throw sshError(
      "setup",
      `This machine is ${platform}, and the queue's server is there for Linux on x64 and arm64. Have a host run it (\`head: "first"\`), or give the address of your own NATS by the option \`nats\`.`,
    )
  const port = await headProgram(shellHere, recipe, {
    folder: folderHere(),
    addresses: ["localhost", address],
    listenAt: address,
    bring: () => recipe.server(platform),
  })
  return { name: undefined, port, addresses: [], reach: async () => connect({ host: address, port }) }
}

/** For agents it is their host's own port, which leads here. */
export function addressHere({ port }: Head): QueueAddress {
  return { agents: [url(address, port)], kernel: [url(address, port)] }
}

/** Ends it where it runs for these pools; "*" stands for all. Says what was ended. */
export async function endHeadHere(pools: readonly string[], patienceS: number): Promise<string[]> {
  const ended: string[] = []
  if (pools.length === 0 || !existsSync(folderHere())) return ended
  for (const pool of pools)
    ended.push(...(await endPrograms(shellHere, join(folderHere(), "pools"), pool, patienceS)))
  await removeUnused(shellHere, folderHere())
  return ended.map((program) => `This machine: ended ${program}`)
}
