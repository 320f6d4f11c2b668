import { gzipSync } from "node:zlib"
import { cellfanVersion } from "../../../util/version.ts"
import type { AgentRecipe } from "../hosts.ts"
import { Delivery } from "./delivery.ts"
import type { Ec2Options } from "./options.ts"
import { ownId, type ScriptSpec, userData } from "./user-data.ts"

/** What tells agents of one version from those of another. */
export function agentTag({ hash }: AgentRecipe): string {
  return hash.slice(0, 16)
}

/** What starts the agent on an instance. Its files are within the script while they fit, else they go by way of storage. */
export async function agentScript(
  agent: AgentRecipe,
  { workersPerHost, nodeUrl, storage }: Pick<Ec2Options, "workersPerHost" | "nodeUrl" | "storage">,
  { platform, end }: { readonly platform: string; readonly end: "with-program" | "never" },
): Promise<ScriptSpec> {
  const workers = workersPerHost !== undefined && { workers: workersPerHost }
  const config = agent.config({ name: ownId, notices: "aws", ...workers })
  const files = [
    { name: "agent.mjs.gz", bytes: gzipSync(agent.code) },
    { name: "agent.json", bytes: Buffer.from(config) },
  ]
  const spec: Omit<ScriptSpec, "files"> = {
    title: `cellfan ${cellfanVersion()}: an agent of ${agent.pool}`,
    folder: "/var/lib/cellfan",
    named: ["agent.json"],
    prepare: ["gunzip -f agent.mjs.gz || die 'the agent could not be unpacked'"],
    node: { url: nodeUrl, platform },
    run: '"$NODE" agent.mjs agent.json',
    end,
  }
  if (fits({ ...spec, files })) return { ...spec, files }
  const delivery = new Delivery(agent.pool, storage)
  return { ...spec, files: await Promise.all(files.map(({ name, bytes }) => delivery.send(name, bytes))) }
}

function fits(spec: ScriptSpec): boolean {
  try {
    userData(spec)
    return true
  } catch {
    return false
  }
}
