/** What the scripts say to people: progress on long steps, and one sentence where something is missing. */

/** Something the user has to change. Its message is the whole output: what is wrong and what to do, no stack. */
export class Refusal extends Error {}

const HEARTBEAT_MS = 15_000

/** Runs `work` under a title: a line that counts seconds on a terminal, a line at begin and end in a log. */
export async function step(title, work) {
  const beganMs = Date.now()
  const stop = process.stderr.isTTY ? tickOnTerminal(title, beganMs) : tickInLog(title, beganMs)
  try {
    const result = await work()
    stop()
    process.stderr.write(`✔ ${title} (${seconds(beganMs)})\n`)
    return result
  } catch (error) {
    stop()
    process.stderr.write(`✘ ${title} (${seconds(beganMs)})\n`)
    throw error
  }
}

function tickOnTerminal(title, beganMs) {
  const draw = () => process.stderr.write(`\r\x1b[2K… ${title} (${seconds(beganMs)})`)
  draw()
  const timer = setInterval(draw, 1000)
  return () => {
    clearInterval(timer)
    process.stderr.write("\r\x1b[2K")
  }
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
