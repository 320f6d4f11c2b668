import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** Folders of this clone that the scripts read and write. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const dist = join(root, "dist")
export const cache = join(root, ".cache")
export const venv = join(root, ".venv")
export const notebooks = join(root, "notebooks")

const onWindows = process.platform === "win32"

/** The virtual environment's own Python. */
export const venvPython = onWindows ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python")

export const tsc = join(root, "node_modules", "typescript", "bin", "tsc")
