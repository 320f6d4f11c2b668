import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { createRequire, Module } from "node:module"
import { dirname, join } from "node:path"
import { Script } from "node:vm"
import type ts from "typescript"

/**
 * The stock TypeScript compiler, loaded when first needed: its 9 MB take half a second to compile, a good part of
 * which V8's code cache saves from the second start on.
 */

/** What the compiler exports and does not declare. */
interface Internals {
  readonly nullTransformationContext: unknown
  readonly SymbolDisplay: {
    getSymbolDisplayPartsDocumentationAndSymbolKind(
      checker: ts.TypeChecker,
      symbol: ts.Symbol,
      file: ts.SourceFile,
      enclosing: ts.Node | undefined,
      location: ts.Node,
    ): {
      displayParts: ts.SymbolDisplayPart[]
      documentation: ts.SymbolDisplayPart[]
      symbolKind: ts.ScriptElementKind
      tags: ts.JSDocTagInfo[] | undefined
    }
    getSymbolModifiers(checker: ts.TypeChecker, symbol: ts.Symbol): string
  }
  readonly Completions: {
    getCompletionsAtPosition(
      host: unknown,
      program: ts.Program,
      log: (text: string) => void,
      file: ts.SourceFile,
      position: number,
      preferences: ts.UserPreferences,
      trigger: string | undefined,
      kind: unknown,
      cancellation: ts.CancellationToken,
    ): ts.CompletionInfo | undefined
    getCompletionEntryDetails(
      program: ts.Program,
      log: (text: string) => void,
      file: ts.SourceFile,
      position: number,
      entry: { name: string; source?: string | undefined; data?: unknown },
      host: unknown,
      format: unknown,
      preferences: ts.UserPreferences,
      cancellation: ts.CancellationToken,
    ): ts.CompletionEntryDetails | undefined
  }
  getTouchingPropertyName(file: ts.SourceFile, position: number): ts.Node
  bindSourceFile(file: ts.SourceFile, options: ts.CompilerOptions): void
  getContainerNode(node: ts.Node): ts.Node | undefined
  typeToDisplayParts(
    checker: ts.TypeChecker,
    type: ts.Type,
    enclosing: ts.Node | undefined,
  ): ts.SymbolDisplayPart[]
}

export type TypeScript = typeof ts & Internals

let loaded: TypeScript | undefined
let saveCache: (() => void) | undefined

/** Loads the compiler on the first call. `cacheFolder` matters only then. */
export function typescript(cacheFolder?: string): TypeScript {
  loaded ??= load(cacheFolder)
  return loaded
}

/** Its version, without loading it. */
export function version(): string {
  return createRequire(import.meta.url)("typescript/package.json").version
}

/** Keeps what V8 has compiled so far for the next start. Call it once the compiler has done some work. */
export function saveCodeCache(): void {
  saveCache?.()
  saveCache = undefined
}

function load(cacheFolder: string | undefined): TypeScript {
  const require = createRequire(import.meta.url)
  if (cacheFolder === undefined) return require("typescript")
  const file = require.resolve("typescript")
  const existing = require.cache[file]
  if (existing !== undefined) return existing.exports
  const source = readFileSync(file, "utf8")
  const cacheFile = join(
    cacheFolder,
    `typescript-${createHash("sha1").update(`${process.version} ${process.arch} ${file} ${source.length}`).digest("hex").slice(0, 16)}.v8`,
  )
  const cachedData = readIfThere(cacheFile)
  const script = new Script(Module.wrap(source), { filename: file, ...(cachedData && { cachedData }) })
  const module = new Module(file)
  module.filename = file
  module.paths = []
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file))
  module.loaded = true
  require.cache[file] = module
  if (cachedData === undefined || script.cachedDataRejected)
    saveCache = () => writeQuietly(cacheFile, script.createCachedData())
  return module.exports
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** A cache that cannot be written costs time, not correctness. */
function writeQuietly(file: string, data: Uint8Array): void {
  try {
    mkdirSync(dirname(file), { recursive: true })
    const draft = `${file}.${process.pid}`
    writeFileSync(draft, data)
    renameSync(draft, file)
  } catch {}
}
