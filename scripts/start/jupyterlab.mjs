import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { basename, dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { jupyterEnvironment, jupyterRuntime } from "../setup/jupyter.mjs"
import { venvPython } from "../util/paths.mjs"
import { Refusal, step } from "../util/say.mjs"

const SLOWEST_START_MS = 120_000

/** Says before any work is done that the port the user asked for cannot be had. */
export function checkPort(port) {
  const probe = createServer()
  return new Promise((resolve, reject) => {
    probe.once("error", (error) => reject(refusalOf(error, port)))
    probe.listen(port, "127.0.0.1", () => probe.close(resolve))
  })
}

function refusalOf(error, port) {
  if (error.code === "EADDRINUSE") {
    return new Refusal(
      `Port ${port} is taken: stop what listens there, or choose another with npm start -- --port ${port + 1} (0: the system chooses).`,
    )
  }
  return new Refusal(
    `Port ${port} cannot be used (${error.code}): choose one above 1023 with npm start -- --port N.`,
  )
}

/** Runs JupyterLab until it is stopped; resolves with the exit code. */
export async function openJupyterLab({ notebook, browser, port }) {
  const server = spawn(venvPython, ["-m", "jupyterlab", ...argumentsFor({ notebook, browser, port })], {
    cwd: dirname(notebook),
    env: jupyterEnvironment(),
    stdio: ["ignore", "inherit", "inherit"],
  })
  const ended = new Promise((resolve, reject) => {
    server.on("error", reject)
    server.on("close", (code) => resolve(code ?? 0))
  })
  forwardSignals(server)
  const endedEarly = ended.then((code) => {
    throw new Refusal(`JupyterLab ended with code ${code} while it started: its messages above say why.`)
  })
  const up = await step("Start JupyterLab", () => Promise.race([addressOf(server.pid), endedEarly]))
  console.log(
    `JupyterLab is at ${up.url}lab/tree/${encodeURIComponent(basename(notebook))}?token=${up.token}`,
  )
  console.log("Ctrl+C stops it.")
  return ended
}

function argumentsFor({ notebook, browser, port }) {
  return [
    basename(notebook),
    "--ServerApp.answer_yes=True",
    "--Application.log_level=WARN",
    // In containers one often is root; the server listens on this machine only.
    ...(process.getuid?.() === 0 ? ["--allow-root"] : []),
    ...(browser ? [] : ["--no-browser"]),
    ...(port === undefined ? [] : [`--port=${port}`, "--ServerApp.port_retries=0"]),
  ]
}

/** Ctrl+C on a terminal reaches the server too; a signal to this process alone has to be handed on. */
function forwardSignals(server) {
  process.on("SIGINT", () => {
    if (!process.stdin.isTTY) server.kill("SIGINT")
  })
  process.on("SIGTERM", () => server.kill("SIGTERM"))
  process.on("exit", () => server.kill("SIGTERM"))
}

/** The running server writes a note with its address and token once it accepts connections. */
async function addressOf(pid) {
  const note = join(jupyterRuntime, `jpserver-${pid}.json`)
  const giveUpMs = Date.now() + SLOWEST_START_MS
  while (Date.now() < giveUpMs) {
    if (existsSync(note)) {
      const { url, token } = JSON.parse(readFileSync(note, "utf8"))
      return { url, token }
    }
    await sleep(100)
  }
  throw new Refusal(
    `JupyterLab did not start within ${SLOWEST_START_MS / 1000} s: its messages above say why.`,
  )
}
