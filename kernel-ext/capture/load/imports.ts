import { createRequire } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { constants, Script } from "node:vm"

/** `require` and `import()` as shipped code sees them: from the notebook's folder, with some modules replaced. */

export interface Imports {
  require(specifier: string): unknown
  import(specifier: string): Promise<unknown>
}

const overrides = new Map<string, () => unknown>()

/** Makes tasks that import `specifier` get this instead, for example the worker's own copy of cellfan. */
export function overrideModule(specifier: string, exports: () => unknown): void {
  overrides.set(specifier, exports)
}

export function importsFrom(folder: string): Imports {
  const file = join(folder, "notebook.js")
  const resolve = createRequire(file)
  const require = (specifier: string): unknown => {
    const override = overrides.get(specifier)
    return override === undefined ? resolve(specifier) : override()
  }
  // Code in a Script has `import()` only where it says which loader answers; this one resolves from its file name.
  const native = new Script("(specifier) => import(specifier)", {
    filename: pathToFileURL(file).href,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }).runInThisContext() as (specifier: string) => Promise<unknown>
  return {
    require: Object.assign(require, resolve),
    import: Object.assign(
      async (specifier: string) => (overrides.has(specifier) ? require(specifier) : native(specifier)),
      { meta: { url: pathToFileURL(file).href, dirname: folder, filename: file } },
    ),
  }
}
