import { type ChildProcess, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "./server-process.ts"

/**
 * What a platform is told to run as a container, run as a process of this machine: the same command, arguments and variables. Images are not looked
 * at: `node` is this machine's. Where a file is mounted, variables that name it are given its place here.
 */
export interface ContainerSpec {
  readonly command: readonly string[]
  readonly args: readonly string[]
  /** "$PORT" stands for where it is to listen. */
  readonly env: Readonly<Record<string, string>>
  /** Files that are mounted: text by absolute path. */
  readonly files?: Readonly<Record<string, string>>
  /** A process that uses more is killed, as the system does it. */
  readonly memoryMiB: number
}

/** Linux gives a process that runs out of memory no time to say so. */
const lookAtMemoryEveryMs = 10

export class ContainerInstance {
  readonly url: string
  /** Calls that it has now. */
  calls = 0
  isGone = false
  /** Why it is gone, where this ended it. */
  wasKilledForMemory = false
  said = ""
  readonly #child: ChildProcess
  readonly #watch: NodeJS.Timeout
  readonly #exited: Promise<void>

  private constructor(child: ChildProcess, url: string, folder: string, memoryMiB: number) {
    this.url = url
    this.#child = child
    this.#watch = setInterval(() => {
      if (rssBytes(child.pid) <= memoryMiB * 2 ** 20) return
      this.wasKilledForMemory = true
      child.kill("SIGKILL")
    }, lookAtMemoryEveryMs)
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text: Buffer) => {
        this.said = (this.said + text.toString()).slice(-4000)
      })
    this.#exited = new Promise((resolve) =>
      child.once("exit", () => {
        this.isGone = true
        clearInterval(this.#watch)
        // However it ended, and whether or not somebody stops it.
        resolve(rm(folder, { recursive: true, force: true, maxRetries: 3 }))
      }),
    )
  }

  static async start(spec: ContainerSpec): Promise<ContainerInstance> {
    const folder = await mkdtemp(join(tmpdir(), "cellfan-container-"))
    const env: Record<string, string> = { ...spec.env }
    for (const [path, text] of Object.entries(spec.files ?? {})) {
      const here = join(folder, basename(dirname(path)), basename(path))
      await mkdir(dirname(here), { recursive: true })
      await writeFile(here, text)
      for (const [name, value] of Object.entries(env)) if (value === path) env[name] = here
    }
    const port = await freePort()
    for (const [name, value] of Object.entries(env)) if (value === "$PORT") env[name] = String(port)
    const [program = "", ...args] = [...spec.command, ...spec.args]
    const child = spawn(program === "node" ? process.execPath : program, args, {
      cwd: folder,
      // A container has none of this machine's variables.
      env: { ...env, PATH: process.env.PATH, TMPDIR: folder, PORT: String(port) },
      stdio: ["ignore", "pipe", "pipe"],
    })
    return new ContainerInstance(child, `http://127.0.0.1:${port}`, folder, spec.memoryMiB)
  }

  /** Waits until it answers `path` with one of these. Rejects where it ends before, with what it said. */
  async ready(path: string, { statuses = [200], limitMs = 30_000 } = {}): Promise<void> {
    for (const end = Date.now() + limitMs; Date.now() < end && !this.isGone; await sleep(20)) {
      const answer = await fetch(`${this.url}${path}`).catch(() => undefined)
      if (answer !== undefined && statuses.includes(answer.status)) return
    }
    throw new Error(`The container did not become healthy. It said:\n${this.said}`)
  }

  signal(name: NodeJS.Signals): void {
    if (!this.isGone) this.#child.kill(name)
  }

  /** Resolves with how it ended. */
  async ended(): Promise<{ code: number | null; signal: string | null }> {
    await this.#exited
    return { code: this.#child.exitCode, signal: this.#child.signalCode }
  }

  async stop(): Promise<void> {
    this.signal("SIGKILL")
    await this.#exited
  }
}

function rssBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * 4096
  } catch {
    return 0
  }
}
