import { existsSync, readFileSync, statSync } from "node:fs"
import { createRequire, isBuiltin } from "node:module"
import { dirname, extname, isAbsolute, join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { interop, namespaceOf } from "./namespaces.ts"
import { nativeImport } from "./native-import.ts"
import type { Session } from "./session.ts"
import { createSideModules, isCompiled } from "./side-modules.ts"
import { typescript } from "./typescript.ts"
import { stampOf } from "./watched-files.ts"

/**
 * What cells import: modules of the kernel's own (`cellfan`, `tslab`), files beside the notebook (side-modules.ts),
 * JSON, and packages, which Node loads as from a module in the notebook's folder.
 */

type Namespace = Record<string, unknown>

export interface ModulesOptions {
  readonly folder: string
  /** Modules that are the kernel's own, by name. */
  readonly own: ReadonlyMap<string, unknown>
  readonly session: () => Session
  onScript(file: string, sourceMaps: readonly string[], text: string): void
}

export type Modules = ReturnType<typeof createModules>

export function createModules(options: ModulesOptions) {
  const { folder, own } = options
  const cell = join(folder, "cell.ts")
  const importNatively = nativeImport(folder)
  const virtual = new Map<string, string>()
  const requires = new Map<string, NodeJS.Require>()
  const sides = createSideModules({ ...options, virtual, load: locate, require: requireFrom, resolve: urlOf })

  async function locate(specifier: string, from: string, attributes?: ImportCallOptions) {
    if (own.has(specifier)) return { namespace: own.get(specifier) as Namespace }
    const file = localFile(specifier, from)
    if (file === undefined) {
      // The types are there without it, as they are for files of the notebook's own.
      const json = specifier.endsWith(".json") ? { with: { type: "json" } } : undefined
      return { namespace: interop(await importNatively(specifier, attributes ?? json)) }
    }
    if (virtual.has(file) || isEsModule(file)) return { file }
    if (extname(file) === ".json") return { namespace: namespaceOf(readJson(file)) }
    forgetRequired(file)
    return { namespace: namespaceOf(requireFrom(from)(file)) }
  }

  /** What `import.meta.resolve` gives: where a module is, whether it is there or not; packages must be. */
  function urlOf(specifier: string, from: string): string {
    if (isBuiltin(specifier)) return specifier.startsWith("node:") ? specifier : `node:${specifier}`
    if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, pathToFileURL(from)).href
    if (URL.canParse(specifier)) return new URL(specifier).href
    const file = localFile(specifier, from) ?? packageFile(specifier, from)
    if (file === undefined) {
      const error = new Error(`Cannot find package '${specifier}' imported from ${from}`)
      throw Object.assign(error, { code: "ERR_MODULE_NOT_FOUND" })
    }
    return pathToFileURL(file).href
  }

  /** The file of the notebook's own that a specifier means; undefined for packages. */
  function localFile(specifier: string, from: string): string | undefined {
    if (isBuiltin(specifier)) return undefined
    const path = specifier.startsWith("file:") ? fileURLToPath(specifier) : specifier
    const isPath = /^\.{0,2}\//.test(path) || isAbsolute(path)
    if (!isPath && options.session().configured.paths === undefined) return undefined
    return resolved(path, from) ?? (isPath ? resolve(dirname(from), path) : undefined)
  }

  /** As the type checker resolves it, so that what was checked is what runs. */
  function resolved(path: string, from: string): string | undefined {
    const base = isAbsolute(path) ? path : resolve(dirname(from), path)
    for (const extension of ["", ".ts", ".tsx", ".js", ".jsx"])
      if (virtual.has(base + extension)) return base + extension
    const tsc = typescript()
    const settings = {
      ...options.session().configured,
      allowJs: true,
      resolveJsonModule: true,
      allowImportingTsExtensions: true,
      module: tsc.ModuleKind.Preserve,
      moduleResolution: tsc.ModuleResolutionKind.Bundler,
    }
    const { resolvedModule } = tsc.resolveModuleName(path, from, settings, tsc.sys)
    const file = resolvedModule?.resolvedFileName
    if (file === undefined || resolvedModule?.isExternalLibraryImport || /\.d\.[mc]?ts$/.test(file))
      return undefined
    return file
  }

  /** `require` for code in `from`. */
  function requireFrom(from: string): NodeJS.Require {
    const known = requires.get(from)
    if (known !== undefined) return known
    const require = createRequire(from)
    const hooked = (specifier: string) => {
      if (own.has(specifier)) return own.get(specifier)
      const file = /^\.{1,2}(\/|$)/.test(specifier) ? localFile(specifier, from) : undefined
      if (file === undefined) return require(specifier)
      const loaded = sides.loaded(file)
      if (loaded !== undefined) return loaded
      forgetRequired(file)
      return require(existsSync(file) ? file : specifier)
    }
    const result = Object.assign(hooked, require) as NodeJS.Require
    requires.set(from, result)
    return result
  }

  const required = new Map<string, string>()

  /** Drops a file of the notebook's from Node's cache where it, or one that it requires, has changed. */
  function forgetRequired(file: string): void {
    const { cache } = createRequire(cell)
    const isStale = (path: string, seen: Set<string>): boolean => {
      if (seen.has(path) || path.includes("/node_modules/")) return false
      seen.add(path)
      const stamp = stampOf(path)
      const before = required.get(path)
      required.set(path, stamp)
      // No short cut: each one's stamp has to be brought up to date.
      const below = (cache[path]?.children ?? []).map((child) => isStale(child.filename, seen))
      const stale = (before !== undefined && before !== stamp) || below.includes(true)
      if (stale) delete cache[path]
      return stale
    }
    isStale(file, new Set())
  }

  async function load(specifier: string, from: string, attributes?: ImportCallOptions): Promise<Namespace> {
    const found = await locate(specifier, from, attributes)
    return "file" in found ? await sides.load(found.file) : found.namespace
  }

  return {
    load: (specifier: string, attributes?: Readonly<Record<string, string>>) =>
      load(
        specifier,
        cell,
        attributes && Object.keys(attributes).length > 0 ? { with: attributes } : undefined,
      ),
    import: (specifier: unknown, attributes?: ImportCallOptions) => load(String(specifier), cell, attributes),
    require: requireFrom(cell),
    resolve: (specifier: string) => urlOf(specifier, join(folder, "notebook.ts")),
    isPlainPackage(specifier: string): boolean {
      if (own.has(specifier)) return false
      return (
        isBuiltin(specifier) ||
        (!/^(\.{0,2}\/|file:)/.test(specifier) && localFile(specifier, cell) === undefined)
      )
    },
    define(file: string, code: string) {
      virtual.set(file, code)
    },
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, ""))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw new SyntaxError(`${file} is not JSON: ${error.message}`)
  }
}

/** The file of a package that `import`, not `require`, loads. */
function packageFile(specifier: string, from: string): string | undefined {
  const tsc = typescript()
  const settings = {
    module: tsc.ModuleKind.NodeNext,
    moduleResolution: tsc.ModuleResolutionKind.NodeNext,
    allowJs: true,
    resolveJsonModule: true,
    // Not in the published types: what runs, in place of what describes it.
    noDtsResolution: true,
  }
  const mode = tsc.ModuleKind.ESNext
  return tsc.resolveModuleName(specifier, from, settings, tsc.sys, undefined, undefined, mode).resolvedModule
    ?.resolvedFileName
}

/** Files that are compiled here, but for JavaScript written as CommonJS, which Node loads. */
function isEsModule(file: string): boolean {
  if (!isCompiled(file) || !statSync(file, { throwIfNoEntry: false })?.isFile()) return false
  if (!/\.jsx?$/.test(file)) return true
  return /^\s*(?:import\b(?!\s*\()|export\b)/m.test(readFileSync(file, "utf8"))
}
