import { createRequire, isBuiltin } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { constants, Script } from "node:vm"
import { exportOf } from "../codec/modules.ts"
import type { ShippedModules } from "../codec/nodes.ts"
import { evaluateModules, type LoadedModules, type PackageBundle } from "./packages.ts"

/** `require` and `import()` as shipped code sees them. */

const overrides = new Map<string, () => unknown>()

/** Makes tasks that import `specifier` get this instead, for example the worker's own copy of cellfan. */
export function overrideModule(specifier: string, exports: () => unknown): void {
  overrides.set(specifier, exports)
}

export interface ImportsOptions {
  /** Npm packages that travelled along, instead of those found from the folder. */
  readonly packages?: PackageBundle | undefined
  /** Folder for V8's code cache of the packages. None: no cache is kept. */
  readonly cacheFolder?: string | undefined
}

interface ImportMetaOfNotebook {
  readonly url: string
  readonly dirname: string
  readonly filename: string
}

/** Why `require` could not load what `import` can: top-level await, or no export for `require`. */
const importOnly = new Set(["ERR_REQUIRE_ASYNC_MODULE", "ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_REQUIRE_ESM"])

type NativeImport = (specifier: string) => Promise<unknown>

export class Imports {
  readonly #options: ImportsOptions
  readonly #fromFolder: NodeJS.Require
  readonly #importNatively: NativeImport
  readonly #local = new Map<string, () => unknown>()
  #packages: LoadedModules | undefined
  readonly require: (specifier: string) => unknown
  readonly import: NativeImport & { readonly meta: ImportMetaOfNotebook }

  constructor(folder: string, options: ImportsOptions) {
    const file = join(folder, "notebook.js")
    const url = pathToFileURL(file).href
    this.#options = options
    this.#fromFolder = createRequire(file)
    // Code in a Script has `import()` only where it says which loader answers; this one resolves from its file name.
    this.#importNatively = new Script("(specifier) => import(specifier)", {
      filename: url,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }).runInThisContext() as NativeImport
    this.require = Object.assign((specifier: string) => this.#require(specifier), this.#fromFolder)
    this.import = Object.assign((specifier: string) => this.#import(String(specifier)), {
      meta: { url, dirname: folder, filename: file, resolve: this.#fromFolder.resolve },
    })
  }

  /** Takes in files of the notebook's own that a message brings. */
  add(modules: ShippedModules): void {
    const loaded = evaluateModules(modules.text, `cellfan-${modules.hash}.js`, this.require)
    for (const [specifier, load] of Object.entries(loaded)) {
      if (!this.#local.has(specifier)) this.#local.set(specifier, load)
    }
  }

  #shipped(specifier: string): (() => unknown) | undefined {
    const { packages, cacheFolder } = this.#options
    if (packages !== undefined) {
      this.#packages ??= evaluateModules(
        packages.code,
        `cellfan-packages-${packages.hash}.js`,
        this.#fromFolder,
        cacheFolder,
      )
    }
    return overrides.get(specifier) ?? this.#local.get(specifier) ?? this.#packages?.[specifier]
  }

  #require(specifier: string): unknown {
    if (isBuiltin(specifier)) return this.#fromFolder(specifier)
    const shipped = this.#shipped(specifier)
    return shipped === undefined ? this.#fromFolder(specifier) : shipped()
  }

  async #import(specifier: string): Promise<unknown> {
    if (isBuiltin(specifier)) return this.#importNatively(specifier)
    try {
      // All names that a CommonJS package exports, where Node would find those that it can guess.
      return exportOf(this.#require(specifier), "*")
    } catch (error) {
      if (!importOnly.has((error as NodeJS.ErrnoException).code ?? "")) throw error
      return this.#importNatively(specifier)
    }
  }
}
