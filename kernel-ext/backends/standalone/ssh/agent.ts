import { Readable } from "node:stream"
import type { AgentRecipe } from "../hosts.ts"
import { bringNode } from "./own-node.ts"
import { askOthersToEnd, poolFolder, startProgram } from "./processes.ts"
import type { Link } from "./ssh-host.ts"
import { upload } from "./upload.ts"

/** Node on that host: its own, or one that is brought there. */
export async function nodeOn({ connection, there }: Link, say: (text: string) => void): Promise<string> {
  return there.node?.path ?? (await bringNode(connection, there, say))
}

/** Brings the agent to a host and starts it. */
export async function startAgent(
  { connection, there }: Link,
  recipe: AgentRecipe,
  node: string,
): Promise<"started" | "running"> {
  const { name } = connection.settings
  const file = `${there.folder}/agents/cellfan-agent-${recipe.hash}.mjs`
  if (!there.agents.includes(recipe.hash))
    await upload(connection, {
      what: "The agent",
      path: file,
      content: () => Readable.from([recipe.code]),
      sizeBytes: recipe.code.length,
      mode: "600",
    })
  const folder = poolFolder(there.folder, recipe.pool)
  // Another version of the agent has files of its own.
  const own = `agent-${recipe.hash.slice(0, 12)}`
  const state = await startProgram(connection, {
    name: own,
    folder,
    program: node,
    args: [file, `${folder}/${own}.json`],
    files: { [`${own}.json`]: recipe.config({ name }) },
  })
  if (state === "started") await askOthersToEnd(connection, folder, own)
  return state
}
