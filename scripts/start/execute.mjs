import { basename, join } from "node:path"
import { jupyterEnvironment } from "../setup/jupyter.mjs"
import { notebooks, root, venvPython } from "../util/paths.mjs"
import { show } from "../util/run.mjs"

/** Runs a notebook without a browser; its executed copy goes to notebooks/executed. Resolves with the exit code. */
export function executeNotebook(notebook) {
  const copy = join(notebooks, "executed", basename(notebook))
  const script = join(root, "scripts", "execute_notebook.py")
  return show(venvPython, [script, notebook, copy], { env: jupyterEnvironment() })
}
