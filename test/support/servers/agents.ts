import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { AgentConfig } from "../../../kernel-ext/backends/standalone/agent/config.ts"
import { waitUntil } from "../processes.ts"

const agentFile = fileURLToPath(new URL("../../../dist/agent.mjs", import.meta.url))

/** An agent as machines run it, here in a process of this machine and in a folder that has no packages. */
export class TestAgent {
  readonly host: string
  readonly child: ChildProcess
  said = ""
  readonly #folder: string

  private constructor(host: string, child: ChildProcess, folder: string) {
    this.host = host
    this.child = child
    this.#folder = folder
    child.stderr?.on("data", (text: Buffer) => {
      this.said = (this.said + text.toString()).slice(-8000)
    })
  }

  static async start(
    url: string,
    { host, pool = "test", ...more }: Partial<AgentConfig> & { host: string },
    env: NodeJS.ProcessEnv = {},
  ): Promise<TestAgent> {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-agent-"))
    const config: AgentConfig = {
      ...{
        version: 1,
        cellfan: "test",
        pool,
        host,
        access: { servers: [url] },
        workers: 2,
        makesStreams: true,
      },
      ...more,
    }
    const file = join(folder, "agent.json")
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
    const child = spawn(process.execPath, [agentFile, file], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    })
    const agent = new TestAgent(host, child, folder)
    try {
      await waitUntil(() => agent.said.includes("Ready:") || child.exitCode !== null, 20_000)
      if (child.exitCode !== null) throw new Error(`The agent ended with code ${child.exitCode}.`)
    } catch (error) {
      await agent.stop()
      throw new Error(`The agent ${host} is not ready. It said:\n${agent.said}`, { cause: error })
    }
    return agent
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL")
  }

  async stop(): Promise<void> {
    await this.#end("SIGKILL")
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return
    this.child.kill(signal)
    await once(this.child, "exit")
  }
}
