import { existsSync } from "node:fs"
import { join } from "node:path"
import { findPython } from "../../../scripts/setup/find-python.mjs"
import { cache, dist } from "../../../scripts/util/paths.mjs"
import { mustRun } from "../../../scripts/util/run.mjs"
import { writeWhole } from "../../../scripts/util/stamp.mjs"

/**
 * The Python of a virtual environment with the newest JupyterLab of a line, "4.2", and with this clone's kernel and
 * extension. Kept in .cache, so that only the first time waits for pip.
 */
export async function otherJupyterLab(line: string): Promise<string> {
  const folder = join(cache, `jupyterlab-${line}`)
  const python = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python")
  const done = join(folder, "cellfan-installed")
  if (!existsSync(done)) {
    const { path } = await findPython()
    await mustRun(path, ["-m", "venv", "--clear", folder])
    // JupyterLab runs a CommonJS yarn.js from in here; our own package.json, above, would make it a module.
    writeWhole(join(folder, "package.json"), '{ "type": "commonjs" }\n')
    await mustRun(python, ["-m", "pip", "install", "--quiet", "--no-input", `jupyterlab==${line}.*`])
    writeWhole(done, "")
  }
  await mustRun(process.execPath, [join(dist, "cli.js"), "install", "--link", "--prefix", folder])
  return python
}
