import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

/** A server that tests talk to: a real one, on a port the system chose, with a folder of its own. */
export interface Server {
  readonly url: string
  /** Ends it and removes its folder. */
  stop(): Promise<void>
}

export interface ServerSpec {
  readonly name: string
  readonly command: string
  args(port: number, folder: string): readonly string[]
  readonly env?: (port: number, folder: string) => Readonly<Record<string, string>>
  /** Whether it answers as it should. */
  isReady(url: string): Promise<boolean>
  readonly startMs?: number
}

/** Another process may take the port between the asking and the start. */
const attempts = 3

export async function startServer(spec: ServerSpec): Promise<Server> {
  for (let left = attempts; ; left--) {
    try {
      return await startOnce(spec, await freePort())
    } catch (error) {
      if (left === 1) throw error
    }
  }
}

async function startOnce(spec: ServerSpec, port: number): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), `cellfan-${spec.name}-`))
  const child = spawn(spec.command, spec.args(port, folder), {
    cwd: folder,
    env: { ...process.env, ...spec.env?.(port, folder) },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (text: Buffer) => {
      said = (said + text.toString()).slice(-4000)
    })
  const stop = () => end(child, folder)
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + (spec.startMs ?? 60_000)
  while (Date.now() < deadline && isRunning(child)) {
    if (await spec.isReady(url).catch(() => false)) return { url, stop }
    await sleep(100)
  }
  await stop()
  throw new Error(`${spec.name} did not start on port ${port}. It said:\n${said}`)
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  if (isRunning(child)) {
    const exited = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGTERM")
    const patience = setTimeout(() => child.kill("SIGKILL"), 3000)
    await exited
    clearTimeout(patience)
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}
