import { Agent } from "../../../kernel-ext/backends/standalone/agent/agent.ts"
import { MemoryBackend } from "../../support/memory-backend.ts"

/** Many agents in one process: `node idle-agents.ts URL COUNT`. Each is an agent in all that the server sees; only its workers are none. */
const [url = "", count = "0"] = process.argv.slice(2)
const started: Promise<Agent>[] = []
for (let i = 0; i < Number(count); i++) {
  const config = {
    version: 1,
    cellfan: "bench",
    pool: "many",
    host: `h${i}`,
    access: { servers: [url] },
  } as const
  started.push(Agent.start({ ...config, makesStreams: i === 0 }, new MemoryBackend({ workers: 2 }), () => {}))
  if (i === 0) await started[0]
}
for (const agent of await Promise.all(started)) void agent.run()
process.send?.("ready")
