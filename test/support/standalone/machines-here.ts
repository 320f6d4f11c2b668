import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type {
  AgentRecipe,
  HeadRecipe,
  HostEvents,
  HostProvider,
  HostState,
  QueueAddress,
} from "../../../kernel-ext/backends/standalone/hosts.ts"
import { waitForPort } from "../servers/nats.ts"
import { freePort } from "../servers/server-process.ts"

/** Machines that are processes and folders of this one: what a provider is, with nothing between. */
export class MachinesHere implements HostProvider {
  readonly name = "here"
  readonly #names: readonly string[]
  readonly #envs: Readonly<Record<string, NodeJS.ProcessEnv>>
  readonly #folder = mkdtempSync(join(tmpdir(), "cellfan-machines-"))
  readonly #states = new Map<string, HostState>()
  readonly #children = new Map<string, ChildProcess>()
  #address: QueueAddress | undefined
  said = ""

  /** @param envs What else is in the environment of a machine's agent, by its name. */
  constructor(names: readonly string[], envs: Readonly<Record<string, NodeJS.ProcessEnv>> = {}) {
    this.#names = names
    this.#envs = envs
  }

  get hosts(): readonly HostState[] {
    return [...this.#states.values()]
  }

  /** The process of a machine's agent, or of the "head". */
  child(name: string): ChildProcess {
    return this.#children.get(name) as ChildProcess
  }

  async start({ code, hash, config }: AgentRecipe, events: HostEvents): Promise<void> {
    const file = join(this.#folder, `cellfan-agent-${hash}.mjs`)
    writeFileSync(file, code)
    for (const name of this.#names.filter((one) => !this.#isRunning(one))) {
      const text = join(this.#folder, `${name}.json`)
      writeFileSync(text, config({ name, workers: 1 }), { mode: 0o600 })
      this.#run(name, process.execPath, [file, text])
      this.#states.set(name, { name, state: "running" })
      events.host({ name, state: "running" })
    }
  }

  async head(recipe: HeadRecipe): Promise<QueueAddress> {
    if (this.#address !== undefined) return this.#address
    const folder = join(this.#folder, "head")
    mkdirSync(folder)
    const port = await freePort()
    const files = recipe.files({ folder, port, addresses: ["127.0.0.1", "localhost"] })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 })
    const program = await recipe.server(`linux-${process.arch as "x64" | "arm64"}`)
    this.#run("head", program, ["-c", join(folder, "nats.conf")])
    await waitForPort(port)
    const servers = [`tls://127.0.0.1:${port}`]
    this.#address = { agents: servers, kernel: servers }
    return this.#address
  }

  async clean(): Promise<readonly string[]> {
    await Promise.all(this.#names.map((name) => this.end(name, "SIGTERM")))
    await this.end("head", "SIGTERM")
    return this.#names
  }

  async end(name: string, signal: NodeJS.Signals): Promise<void> {
    const child = this.child(name)
    if (!this.#isRunning(name)) return
    child.kill(signal)
    await once(child, "exit")
  }

  async close(): Promise<void> {}

  /** After the test. */
  async remove(): Promise<void> {
    for (const name of this.#children.keys()) await this.end(name, "SIGKILL")
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #isRunning(name: string): boolean {
    const child = this.#children.get(name)
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }

  #run(name: string, program: string, args: readonly string[]): void {
    const env = { ...process.env, ...this.#envs[name] }
    const child = spawn(program, args, { cwd: this.#folder, env, stdio: ["ignore", "ignore", "pipe"] })
    child.stderr?.on("data", (text: Buffer) => {
      this.said = (this.said + text.toString()).slice(-20_000)
    })
    this.#children.set(name, child)
  }
}
