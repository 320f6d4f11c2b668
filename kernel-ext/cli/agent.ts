import { spawn } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { isMainThread, workerData } from "node:worker_threads"
import type { AgentConfig } from "../backends/standalone/agent/config.ts"

/**
 * The agent, in one file that bare Node runs: `node agent.mjs CONFIG`. The same file is its worker processes and their
 * watchdogs, so that a machine needs nothing else.
 */
const workerWord = "worker"

/** Whoever tells it to end once more after that does not want to wait for its tasks. */
const onceMs = 1000

if (!isMainThread) {
  const { watch } = await import("../worker/watchdog.ts")
  watch(workerData as SharedArrayBuffer)
} else if (process.argv[2] === workerWord) {
  const { runProcess } = await import("../worker/process.ts")
  runProcess(new URL(import.meta.url), {
    cacheFolder: join(tmpdir(), `cellfan-${process.getuid?.() ?? "user"}`),
  })
} else {
  const { readAgentConfig } = await import("../backends/standalone/agent/config.ts")
  try {
    await main(readAgentConfig(process.argv[2] ?? ""))
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}

async function main(config: AgentConfig): Promise<void> {
  const { LocalBackend } = await import("../backends/local/local.ts")
  const { Agent } = await import("../backends/standalone/agent/agent.ts")
  const { defaultWorkers } = await import("../backends/standalone/agent/machine.ts")
  const backend = new LocalBackend({
    workers: config.workers ?? defaultWorkers(),
    program: { host: config.host, command: [fileURLToPath(import.meta.url), workerWord] },
  })
  const agent = await Agent.start(config, backend, say)
  say(`Ready: ${backend.workers} workers on ${config.host}, pool ${config.pool}.`)
  // Node would print the whole file, which is one long line.
  process.on("uncaughtException", (error) => {
    say(`Ended by an error of its own: ${error.stack ?? error.message}`)
    process.exit(1)
  })
  let askedAtMs = Number.POSITIVE_INFINITY
  const stop = (signal: NodeJS.Signals): void => {
    // A batch system tells a whole group at once, of which one tells the other once more: that is one wish.
    if (Date.now() - askedAtMs > onceMs) process.exit(1)
    if (askedAtMs !== Number.POSITIVE_INFINITY) return
    askedAtMs = Date.now()
    agent.drain(`it was told to by ${signal}`)
  }
  process.on("SIGTERM", stop)
  process.on("SIGINT", stop)
  const end = await agent.run()
  say("Ended.")
  const [program, ...args] = config.atEnd ?? []
  if (program !== undefined && end !== "told")
    spawn(program, args, { stdio: "ignore", detached: true })
      .on("error", (error) => say(error.message))
      .unref()
  process.exitCode = 0
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString()} ${text}\n`)
}
