import { capture } from "../util/run.mjs"
import { Refusal } from "../util/say.mjs"

const OLDEST = [3, 10]

/** What a Python says of itself: its version, its path, and whether it can make a virtual environment with pip in it. */
const question = [
  "import sys, importlib.util as u, json",
  "has = all(u.find_spec(m) for m in ('venv', 'ensurepip'))",
  "print(json.dumps([list(sys.version_info[:3]), sys.executable, has]))",
].join("\n")

/** The Python to make the virtual environment with: $CELLFAN_PYTHON, or the first on the path that is new enough. */
export async function findPython() {
  const named = process.env.CELLFAN_PYTHON
  const found = await askAll(named === undefined ? candidates() : [[named]])
  const newEnough = found.filter(({ version }) => isNewEnough(version))
  const usable = newEnough.find(({ hasVenv }) => hasVenv)
  if (usable !== undefined) return usable
  throw refusalOf(named, newEnough[0], found[0])
}

function candidates() {
  const versions = ["3.14", "3.13", "3.12", "3.11", "3.10"]
  const names = [["python3"], ["python"], ...versions.map((version) => [`python${version}`])]
  return process.platform === "win32" ? [["py", "-3"], ...names] : names
}

async function askAll(commands) {
  const answers = []
  for (const [command, ...args] of commands) {
    const answer = await ask(command, args)
    if (answer !== undefined) answers.push(answer)
    if (answer?.hasVenv && isNewEnough(answer.version)) break
  }
  return answers
}

async function ask(command, args) {
  try {
    const { code, output } = await capture(command, [...args, "-c", question])
    if (code !== 0) return undefined
    const [version, path, hasVenv] = JSON.parse(output)
    return { version, path, hasVenv }
  } catch {
    return undefined
  }
}

function isNewEnough([major, minor]) {
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
}

function refusalOf(named, withoutVenv, tooOld) {
  if (withoutVenv !== undefined) {
    const [major, minor] = withoutVenv.version
    return new Refusal(
      `${withoutVenv.path} has no venv module: install it (on Debian and Ubuntu: apt install python${major}.${minor}-venv) and start again.`,
    )
  }
  if (tooOld !== undefined) {
    return new Refusal(
      `cellfan needs Python 3.10 or newer for JupyterLab and ${tooOld.path} is ${tooOld.version.join(".")}: install a newer one, or name one with CELLFAN_PYTHON=/path/to/python3.`,
    )
  }
  if (named !== undefined) {
    return new Refusal(
      `CELLFAN_PYTHON is ${named}, which does not run as a Python: name one that does, or unset it.`,
    )
  }
  return new Refusal(
    "No Python found, and JupyterLab needs 3.10 or newer: install it (https://www.python.org), or name one with CELLFAN_PYTHON=/path/to/python3.",
  )
}
