import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { connect } from "node:net"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { findProgram } from "../needs.ts"
import { freePort } from "./server-process.ts"

/** The queue's server, for real. */

export const natsServer = {
  what: "nats-server (go install github.com/nats-io/nats-server/v2@v2.15.3)",
  find(): string | undefined {
    const cached = join(
      process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"),
      "cellfan",
      "bin",
      "nats-server",
    )
    return (
      process.env.CELLFAN_NATS_SERVER ??
      findProgram("nats-server") ??
      (existsSync(cached) ? cached : undefined)
    )
  },
}

export class NatsServer {
  readonly url: string
  readonly port: number
  readonly #command: string
  /** Where it keeps what it has. */
  readonly folder: string
  #child: ChildProcess | undefined

  private constructor(command: string, port: number, folder: string) {
    this.#command = command
    this.port = port
    this.folder = folder
    this.url = `nats://127.0.0.1:${port}`
  }

  /** @param more Further lines of its configuration. */
  static async start(command: string, more = ""): Promise<NatsServer> {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-nats-"))
    const server = new NatsServer(command, await freePort(), folder)
    const lines = [
      `host: "127.0.0.1"`,
      `port: ${server.port}`,
      // As the servers that cellfan starts itself: what is accepted is on disk.
      `jetstream { store_dir: "${folder}/data", sync_interval: always }`,
      more,
    ]
    writeFileSync(join(folder, "nats.conf"), lines.join("\n"))
    await server.restart()
    return server
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  /** Starts it again with what it had on disk. */
  async restart(): Promise<void> {
    const child = spawn(this.#command, ["-c", join(this.folder, "nats.conf")], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    this.#child = child
    let said = ""
    child.stderr.on("data", (text: Buffer) => {
      said = (said + text.toString()).slice(-4000)
    })
    await waitForPort(this.port).catch((cause: Error) => {
      throw new Error(`nats-server did not start:\n${said}`, { cause })
    })
  }

  /** As a power cut does: with nothing written that was not yet. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL")
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM")
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill(signal)
    await once(child, "exit")
  }
}

/** Resolves when a NATS server answers there. */
export async function waitForPort(port: number): Promise<void> {
  const end = Date.now() + 20_000
  while (!(await answers(port))) {
    if (Date.now() > end) throw new Error(`Nothing answers on port ${port}.`)
    await sleep(20)
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("data", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })
}
