import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { agentConfig, agentFile } from "../backends/standalone/pool.ts"
import { configuration } from "../config/load.ts"
import { poolSettings } from "../executors/standalone.ts"

/** `cellfan worker`: an agent on this machine, for a queue of one's own; it ends with SIGTERM or Ctrl-C, when its tasks have. */

const options = {
  nats: { type: "string", multiple: true },
  pool: { type: "string" },
  workers: { type: "string" },
  host: { type: "string" },
  "idle-ms": { type: "string" },
} as const

export async function worker(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const { nats, pool: named } = values
  const settings = poolSettings(
    configuration(),
    given({ nats: nats?.flatMap(listed), pool: named }),
    "cellfan worker",
  )
  const { access, pool, workersPerHost } = settings
  if (access === undefined)
    throw new Error("cellfan worker takes the address of the queue: cellfan worker --nats nats://host:4222")
  const workers = values.workers === undefined ? workersPerHost : count(values.workers, "--workers")
  const idleMs = values["idle-ms"] === undefined ? undefined : count(values["idle-ms"], "--idle-ms")
  const host = { name: values.host ?? hostname(), ...given({ workers }) }
  const config = { ...agentConfig(pool, access, { idleMs }, host), makesStreams: true }
  const folder = mkdtempSync(join(tmpdir(), "cellfan-worker-"))
  try {
    const file = join(folder, "agent.json")
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
    return await run([agentFile(), file])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function run(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: "inherit" })
  // The terminal tells both; a supervisor tells this one.
  const pass = (signal: NodeJS.Signals) => child.kill(signal)
  process.on("SIGTERM", pass)
  process.on("SIGINT", () => {})
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("exit", (code) => resolve(code ?? 1))
  })
}

export function listed(text: string): string[] {
  return text.split(",").filter((one) => one !== "")
}

export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}

function count(text: string, flag: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`cellfan worker: ${flag} takes an integer of at least 1, but got ${text}.`)
  return value
}
