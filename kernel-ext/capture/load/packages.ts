import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Script } from "node:vm"
import { sha256 } from "../../util/sha256.ts"

/** Npm packages in one file, for workers that do not share the notebook's file system. */
export interface PackageBundle {
  /** Hash of the code, in hex. */
  readonly hash: string
  /** A CommonJS module that exports one function for each specifier; it gives the package's exports. */
  readonly code: string
}

export type LoadedModules = Readonly<Record<string, () => unknown>>

/** Evaluates a module that exports loaders by specifier. `file` is its name in stacks. */
export function evaluateModules(
  code: string,
  file: string,
  require: (specifier: string) => unknown,
  cacheFolder?: string,
): LoadedModules {
  const wrapped = `(function (require, module, exports) {${code}\n})`
  const cacheFile = cacheFolder === undefined ? undefined : join(cacheFolder, `${cacheKey(wrapped)}.v8`)
  const script = new Script(wrapped, { filename: file, ...cachedData(cacheFile) })
  const module = { exports: {} }
  script.runInThisContext()(require, module, module.exports)
  if (cacheFile !== undefined && !existsSync(cacheFile)) writeWhole(cacheFile, script.createCachedData())
  return module.exports
}

/** V8's code cache halves the time to load a large bundle. It fits one version of V8 only. */
function cachedData(file: string | undefined): { cachedData?: Buffer } {
  return file !== undefined && existsSync(file) ? { cachedData: readFileSync(file) } : {}
}

function cacheKey(code: string): string {
  return sha256().update(code).update(process.versions.v8).digest("hex").slice(0, 32)
}

/** Other workers may read the file at any time. A cache that cannot be written is no error. */
function writeWhole(file: string, bytes: Uint8Array): void {
  try {
    mkdirSync(join(file, ".."), { recursive: true })
    const temporary = `${file}.${process.pid}`
    writeFileSync(temporary, bytes)
    renameSync(temporary, file)
  } catch {}
}
