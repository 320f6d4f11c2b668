import { existsSync, mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { dist, venv } from "../util/paths.mjs"
import { mustRun } from "../util/run.mjs"
import { writeWhole } from "../util/stamp.mjs"

/**
 * Registers the kernel and the extension of this clone in its own virtual environment, and says where that Jupyter
 * keeps its files. Cheap: done at every start, so that a moved clone or another Node is put right.
 */

const share = join(venv, "share", "jupyter")

export async function registerWithJupyter() {
  await mustRun(process.execPath, [join(dist, "cli.js"), "install", "--link", "--prefix", venv])
  mkdirSync(jupyterFiles, { recursive: true })
  writeIfChanged(join(share, "lab", "settings", "overrides.json"), labSettings)
}

/** Asked at first start otherwise, over the notebook; both would reach for the network. */
const labSettings = {
  "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
}

function writeIfChanged(path, value) {
  const text = `${JSON.stringify(value, null, 2)}\n`
  if (existsSync(path) && readFileSync(path, "utf8") === text) return
  writeWhole(path, text)
}

/**
 * Environment for everything of this clone's Jupyter: its settings, workspaces and runtime files stay in the clone,
 * and nothing that the user set up for another Jupyter or Python leaks in.
 */
export function jupyterEnvironment() {
  const { JUPYTER_PATH, JUPYTER_CONFIG_PATH, PYTHONPATH, PYTHONHOME, ...inherited } = process.env
  return {
    ...inherited,
    JUPYTER_CONFIG_DIR: join(jupyterFiles, "config"),
    JUPYTER_DATA_DIR: join(jupyterFiles, "data"),
    JUPYTER_RUNTIME_DIR: jupyterRuntime,
    IPYTHONDIR: join(jupyterFiles, "ipython"),
    JUPYTER_PREFER_ENV_PATH: "1",
  }
}

const jupyterFiles = join(venv, "jupyter")

/** Where running servers and kernels note how to reach them. */
export const jupyterRuntime = join(jupyterFiles, "runtime")
