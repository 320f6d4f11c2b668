/** What the scripts say to people: progress on long steps, and one sentence where something is missing. */

/** Something the user has to change. Its message is the whole output: what is wrong and what to do, no stack. */
export class Refusal extends Error {}

const HEARTBEAT_MS = 15_000

/** Steps that run now, by title, with the time each began: two may run side by side. */
const running = new Map()

/** Runs `work` under a title: a line that counts seconds on a terminal, a line now and then in a log. */
export async function step(title, work) {
  const beganMs = Date.now()
  running.set(title, beganMs)
  const stop = process.stderr.isTTY ? tickOnTerminal() : tickInLog(title, beganMs)
  let mark = "✘"
  try {
    const result = await work()
    mark = "✔"
    return result
  } finally {
    running.delete(title)
    stop()
    process.stderr.write(`${mark} ${title} (${seconds(beganMs)})\n`)
    if (process.stderr.isTTY) drawRunning()
  }
}

function tickOnTerminal() {
  drawRunning()
  const timer = setInterval(drawRunning, 1000)
  return () => {
    clearInterval(timer)
    process.stderr.write("\r\x1b[2K")
  }
}

function drawRunning() {
  if (running.size === 0) return
  const text = [...running].map(([title, beganMs]) => `${title} (${seconds(beganMs)})`).join(", ")
  process.stderr.write(`\r\x1b[2K… ${text}`.slice(0, process.stderr.columns + 4))
}

function tickInLog(title, beganMs) {
  process.stderr.write(`… ${title}\n`)
  const timer = setInterval(() => process.stderr.write(`… ${title} (${seconds(beganMs)})\n`), HEARTBEAT_MS)
  return () => clearInterval(timer)
}

function seconds(beganMs) {
  const elapsedMs = Date.now() - beganMs
  return elapsedMs < 10_000 ? `${(elapsedMs / 1000).toFixed(1)} s` : `${Math.round(elapsedMs / 1000)} s`
}

/** Runs a script's main function: its number is the exit code, a refusal is one sentence, anything else a bug with its stack. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0
  } catch (error) {
    process.stderr.write(error instanceof Refusal ? `${error.message}\n` : `${error?.stack ?? error}\n`)
    process.exitCode = 1
  }
}
