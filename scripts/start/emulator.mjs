import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { constants, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { setUp } from "../setup/everything.mjs"
import { installServers, serverProgram } from "../setup/servers.mjs"
import { notebooks } from "../util/paths.mjs"
import { Refusal } from "../util/say.mjs"
import { start } from "./command.mjs"

const help = `npm run emulator                 start Lambda and S3 on this machine, and JupyterLab on notebooks/serverless.ipynb
npm run emulator -- --execute    run that notebook without a browser
npm run emulator -- --only       start the emulator alone, and print what to set to use it
npm run emulator -- WORDS        other words are those of npm start`

/** Instances are processes of this machine. */
const workers = 4

const startWithinMs = 60_000

/** Ends with what it started for: JupyterLab, a notebook's run, or an interrupt. Resolves with the exit code. */
export async function emulator(words) {
  if (words.includes("--help")) {
    console.log(help)
    return 0
  }
  await setUp("start")
  await installServers()
  const server = await startServer()
  endWithoutLeaving(
    server,
    words.includes("--execute") ? ["SIGINT", "SIGTERM", "SIGHUP"] : ["SIGTERM", "SIGHUP"],
  )
  try {
    const settings = {
      CELLFAN_AWS_ENDPOINT: server.url,
      CELLFAN_AWS_LAMBDA_WORKERS: String(workers),
      AWS_REGION: "us-east-1",
      // That of functions there, so that buckets that nobody names are the same here and there.
      AWS_ACCESS_KEY_ID: "000000000000",
      AWS_SECRET_ACCESS_KEY: "test",
    }
    for (const [name, value] of Object.entries(settings)) console.log(`export ${name}=${value}`)
    if (words.includes("--only")) {
      console.log("The emulator runs until this is interrupted.")
      await once(process, "SIGINT")
      return 0
    }
    Object.assign(process.env, settings)
    const named = words.some((word) => word.endsWith(".ipynb"))
    return await start(named ? words : [join(notebooks, "serverless.ipynb"), ...words])
  } finally {
    await server.stop()
  }
}

/** Whatever ends this process ends the emulator too, which is in a group of its own: also npm that is ended, which passes nothing on. */
function endWithoutLeaving(server, signals) {
  process.once("exit", server.kill)
  for (const signal of signals) process.once(signal, () => process.exit(128 + constants.signals[signal]))
  const parent = process.ppid
  setInterval(() => process.ppid === parent || process.exit(1), 1000).unref()
}

async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), "cellfan-emulator-"))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(serverProgram("ministack"), [], {
    cwd: folder,
    env: { ...process.env, BIND_HOST: "127.0.0.1", GATEWAY_PORT: String(port), HOME: folder, TMPDIR: folder },
    stdio: ["ignore", "ignore", "pipe"],
    // An interrupt from the terminal is for this process, which then ends it.
    detached: true,
  })
  let said = ""
  child.stderr.on("data", (text) => {
    said = (said + text).slice(-2000)
  })
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const stop = async () => {
    if (isRunning()) {
      const ended = once(child, "exit")
      child.kill()
      await ended
    }
    remove()
  }
  // Nothing can be waited for any more, and what it writes now is lost anyhow.
  const kill = () => {
    if (!isRunning()) return
    process.kill(-child.pid, "SIGKILL")
    remove()
  }
  for (const end = Date.now() + startWithinMs; Date.now() < end && isRunning(); await sleep(100)) {
    const answer = await fetch(`${url}/_ministack/health`).catch(() => undefined)
    if (answer?.ok) return { url, stop, kill }
  }
  await stop()
  throw new Refusal(`The emulator did not start. It said:\n${said}`)
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
