import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs"
import { dirname, join } from "node:path"
import { dist, root, venv } from "../util/paths.mjs"
import { writeWhole } from "../util/stamp.mjs"

/**
 * Registers the kernel and the extension of this clone in its own virtual environment, and says where that Jupyter
 * keeps its files. Cheap: done at every start, so that a moved clone or another Node is put right.
 */

const share = join(venv, "share", "jupyter")

export function registerWithJupyter() {
  registerKernel()
  if (existsSync(join(dist, "labextension", "package.json"))) registerExtension()
  writeIfChanged(join(share, "lab", "settings", "overrides.json"), labSettings)
}

/** Asked at first start otherwise, over the notebook; both would reach for the network. */
const labSettings = {
  "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
}

function registerKernel() {
  const source = join(root, "kernelspec")
  const target = join(share, "kernels", "cellfan")
  const spec = JSON.parse(readFileSync(join(source, "kernel.json"), "utf8"))
  const argv = [process.execPath, join(dist, "kernel.js"), "{connection_file}"]
  writeIfChanged(join(target, "kernel.json"), { ...spec, argv })
  for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"])
    cpSync(join(source, logo), join(target, logo))
}

/** A link, so that a build is seen at the next reload of the page. Windows makes junctions without asking for rights. */
function registerExtension() {
  const built = join(dist, "labextension")
  const { name } = JSON.parse(readFileSync(join(built, "package.json"), "utf8"))
  const link = join(share, "labextensions", name)
  if (existsSync(link) && lstatSync(link).isSymbolicLink() && readlinkSync(link) === built) return
  rmSync(link, { recursive: true, force: true })
  mkdirSync(dirname(link), { recursive: true })
  symlinkSync(built, link, "junction")
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
