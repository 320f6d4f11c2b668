import { builtinModules, createRequire, Module } from "node:module"
import { fileURLToPath } from "node:url"
import { types } from "node:util"
import { intrinsicName } from "../codec/intrinsics.ts"

/** Finds the module that a value came from, so that it can travel as an import. */

export interface Reference {
  readonly specifier: string
  /** Names that lead from the module to the value; none for the module itself. */
  readonly path: readonly string[]
}

/** How an import names the whole of a module, which is `value`: CommonJS exports are the default one. */
export function wholeName(value: unknown): "*" | "default" {
  const isNamespace =
    types.isModuleNamespaceObject(value) || Boolean(Reflect.get(Object(value), "__esModule"))
  return isNamespace ? "*" : "default"
}

/** Loading these prints a warning, or they are older names of others. */
const notLoaded = /^(_|punycode$|sys$|wasi$|trace_events$|sqlite$|sea$|constants$|inspector\/|test|repl$)/

/**
 * Newer versions of Node list some with the scheme. `fs.promises` is better known than `fs/promises`, and a function of
 * both should be found by the shorter name.
 */
const builtinNames = builtinModules
  .map((name) => name.replace(/^node:/, ""))
  .filter((name) => !notLoaded.test(name))
  .sort((a, b) => a.length - b.length)

let builtins: Map<unknown, Reference> | undefined

/** Functions, classes and namespaces of Node's own modules. */
export function builtinReference(value: unknown): Reference | undefined {
  builtins ??= listBuiltins()
  return builtins.get(value)
}

function listBuiltins(): Map<unknown, Reference> {
  const found = new Map<unknown, Reference>()
  const load = createRequire(import.meta.url)
  const add = (value: unknown, specifier: string, path: readonly string[]): void => {
    const isObject = typeof value === "object" && value !== null
    if ((!isObject && typeof value !== "function") || found.has(value)) return
    if (isObject && path.length > 0 && Object.getPrototypeOf(value) !== Object.prototype) return
    found.set(value, { specifier, path })
    if (path.length >= 2 || (path.length === 1 && !isObject)) return
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(value))) {
      if ("value" in property && key !== "prototype") add(property.value, specifier, [...path, key])
    }
  }
  for (const name of builtinNames) add(load(`node:${name}`), `node:${name}`, [])
  return found
}

const loadedModules = new Map<unknown, Reference>()
let seenBuiltins = 0

/** The builtin module that exports `value`, among those that are loaded: to load all takes 50 ms. */
function builtinModule(value: object): Reference | undefined {
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] }
  if (moduleLoadList.length !== seenBuiltins) {
    seenBuiltins = moduleLoadList.length
    noticeBuiltins(new Set(moduleLoadList))
  }
  return loadedModules.get(value)
}

function noticeBuiltins(loaded: ReadonlySet<string>): void {
  const load = createRequire(import.meta.url)
  for (const name of builtinNames) {
    if (!loaded.has(`NativeModule ${name}`)) continue
    const exports = load(`node:${name}`) as object
    if (intrinsicName(exports) === undefined)
      loadedModules.set(exports, { specifier: `node:${name}`, path: [] })
  }
}

/**
 * The module export that is `value`, among the modules of one package or file.
 *
 * @param url where the value's code is; undefined where only the value is known
 */
export function packageReference(value: unknown, url: string, folder: string): Reference | undefined {
  const file = url.startsWith("file:") ? fileURLToPath(url) : url
  const require = createRequire(`${folder}/notebook.js`)
  for (const specifier of specifiersOf(file, require)) {
    const path = pathTo(value, loadedExports(specifier, require))
    if (path !== undefined) return { specifier, path }
  }
  return undefined
}

/** Ways to name a file of a package: the package itself, then the subpath. */
function specifiersOf(file: string, require: NodeJS.Require): string[] {
  const [, name, rest] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(file) ?? []
  if (name === undefined || rest === undefined) return []
  const subpaths = [rest, rest.replace(/\.[cm]?js$/, ""), rest.replace(/\/index\.[cm]?js$/, "")]
  return [name, ...subpaths.map((subpath) => `${name}/${subpath}`)].filter((specifier) => {
    try {
      return require.resolve(specifier) !== ""
    } catch {
      return false
    }
  })
}

function loadedExports(specifier: string, require: NodeJS.Require): unknown {
  try {
    return require(specifier)
  } catch {
    return undefined
  }
}

function pathTo(value: unknown, exports: unknown): string[] | undefined {
  if (exports === value) return []
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) return undefined
  for (const key of Object.keys(exports)) {
    const item = readSafely(exports, key)
    if (item === value) return [key]
  }
  return undefined
}

function readSafely(holder: object, key: string): unknown {
  try {
    return Reflect.get(holder, key)
  } catch {
    return undefined
  }
}

const moduleFiles = new WeakMap<object, string>()
let seenModules = 0

/** Takes in modules that were loaded since the last time. */
export function noticeModules(): void {
  const cache = (Module as unknown as { _cache: Record<string, { exports: unknown } | undefined> })._cache
  const files = Object.keys(cache)
  if (files.length === seenModules) return
  seenModules = files.length
  for (const file of files) {
    const exports = cache[file]?.exports
    if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) continue
    if (file.includes("/node_modules/")) moduleFiles.set(exports, file)
  }
}

/** The package a module object stands for: an ES namespace, or what a CommonJS module exports. */
export function moduleReference(
  value: object,
  folder: string,
  specifiers: ReadonlySet<string>,
): Reference | undefined {
  if (types.isModuleNamespaceObject(value)) return namespaceReference(value, folder, specifiers)
  const builtin = builtinModule(value)
  if (builtin !== undefined) return builtin
  const file = moduleFiles.get(value)
  return file === undefined ? undefined : packageReference(value, file, folder)
}

function namespaceReference(
  value: object,
  folder: string,
  specifiers: ReadonlySet<string>,
): Reference | undefined {
  const builtin = builtinReference(Reflect.get(value, "default"))
  if (builtin !== undefined && builtin.path.length === 0) return builtin
  const require = createRequire(`${folder}/notebook.js`)
  for (const specifier of specifiers)
    if (loadedExports(specifier, require) === value) return { specifier, path: [] }
  return undefined
}
