import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { root, venv, venvPython } from "../util/paths.mjs"
import { capture, mustRun } from "../util/run.mjs"
import { Refusal, step } from "../util/say.mjs"
import { writeWhole } from "../util/stamp.mjs"
import { findPython } from "./find-python.mjs"

/** Makes .venv with the packages that requirements/`list`.txt pins, so that no other Jupyter of the user's is touched. */
export async function makeVirtualEnvironment(list, signal) {
  const wanted = readFileSync(join(root, "requirements", `${list}.txt`), "utf8")
  const works = await runs(venvPython)
  if (works && installed(list) === wanted) return
  if (!works) {
    const python = await findPython()
    await step(`Make a virtual environment with Python ${python.version.join(".")}`, () => makeEmpty(python))
  }
  const title = list === "start" ? "Install JupyterLab" : `Install Python packages for ${list}s`
  await step(title, () => installRequirements(list, signal))
  writeWhole(noteOf(list), wanted)
}

/** The requirements that were last installed; kept within .venv, so that it goes when that goes. */
function noteOf(list) {
  return join(venv, `cellfan-${list}.txt`)
}

function installed(list) {
  return existsSync(noteOf(list)) ? readFileSync(noteOf(list), "utf8") : undefined
}

/** False for no Python and for one whose installation was removed or moved since. */
async function runs(python) {
  const { code } = await capture(python, ["-c", "import pip"]).catch(() => ({ code: 1 }))
  return code === 0
}

async function makeEmpty(python) {
  rmSync(venv, { recursive: true, force: true })
  await mustRun(python.path, ["-m", "venv", venv])
  // JupyterLab runs a CommonJS yarn.js from in here; our own package.json, above, would make it a module.
  writeWhole(join(venv, "package.json"), '{ "type": "commonjs" }\n')
}

async function installRequirements(list, signal) {
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--retries=2"]
  const { code, output } = await capture(
    venvPython,
    [...args, "-r", join(root, "requirements", `${list}.txt`)],
    { signal },
  )
  if (code === 0) return
  if (
    /NewConnectionError|ConnectTimeout|Name or service not known|Temporary failure in name resolution/.test(
      output,
    )
  ) {
    throw new Refusal(
      "pip cannot reach its package index: check the network or the proxy (pip config list) and start again.",
    )
  }
  throw new Refusal(`pip could not install requirements/${list}.txt:\n${output.trim()}`)
}
