import { join } from "node:path"
import { constants, Script } from "node:vm"

type Import = (specifier: string, options?: ImportCallOptions) => Promise<Record<string, unknown>>

/** `import()` as if it stood in a module in `folder`. */
export function nativeImport(folder: string): Import {
  const code = "(specifier, options) => import(specifier, options)"
  const load: Import = script(code, join(folder, "cell.js")).runInThisContext()
  tolerateExperiment(load)
  return load
}

/** A script whose own `import()` resolves from the folder of `filename`. */
export function script(code: string, filename: string): Script {
  return new Script(code, { filename, importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER })
}

let isTolerated = false

/** Node says once in a process, at the first import, that this way of loading is experimental; users need not hear of it. */
function tolerateExperiment(load: Import): void {
  if (isTolerated) return
  isTolerated = true
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    void load("node:path")
  } finally {
    process.emitWarning = emitWarning
  }
}
