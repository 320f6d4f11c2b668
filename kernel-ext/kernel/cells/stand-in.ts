import { createRequire } from "node:module"
import type ts from "typescript"
import { ownTypeRoot } from "./options.ts"
import { compilerHost, completionHost } from "./program.ts"
import { quickInfo } from "./quick-info.ts"
import { isCell, prepareForCheck, withSeam } from "./seam.ts"
import { currentSession, type Session } from "./session.ts"
import { typescript, version } from "./typescript.ts"

/**
 * Stock TypeScript in the shape of the fork that tslab was written for. Everything it does not define is the stock
 * compiler's own; it is also where cells get their compiler options (program.ts), where what tslab would do with the
 * emitted JavaScript is left to us, and where only errors that concern the user come through.
 *
 * Importing this module puts it where tslab finds it: in the bundle by way of typescript.cjs, otherwise in place of
 * the fork in Node's module cache. Import it before tslab.
 */

const own: Record<string, unknown> = {
  // tslab's own `import *` helper copies every property, which would load the compiler at once, unless this is set.
  __esModule: true,
  // tslab's own module reads it while it is being loaded.
  get version() {
    return version()
  },
  sys: systemStandIn(),
  createWatchCompilerHost: (rootFiles: string[], _options: unknown, system: ts.System) =>
    compilerHost(currentSession(), rootFiles, system),
  createWatchProgram(host: ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>) {
    const session = currentSession()
    const watch = typescript().createWatchProgram(withSeam(host, session))
    const updateRootFileNames = (files: string[]) =>
      watch.updateRootFileNames([...files, ...session.pages.files])
    return { ...watch, updateRootFileNames }
  },
  // Ours replace them; where Node's types are among them, tslab does not look for its own beside its file.
  getDefaultTypeRoots: () => [ownTypeRoot()],
  getNullTransformationContext: () => typescript().nullTransformationContext,
  getPreEmitDiagnosticsOfFiles: diagnosticsOf,
  getPreEmitDiagnostics: (program: ts.Program, file: ts.SourceFile) => diagnosticsOf(program, [file]),
  // tslab makes CommonJS of what was emitted; we run it in our own way.
  transpileModule: (outputText: string) => ({ outputText }),
  getQuickInfoAtPosition(file: ts.SourceFile, ...rest: Tail<Parameters<typeof quickInfo>>) {
    prepareForCheck(file, currentSession())
    return quickInfo(file, ...rest)
  },
  get Completions() {
    const { Completions } = typescript()
    return {
      ...Completions,
      getCompletionsAtPositionForTslab: (
        _host: unknown,
        ...rest: Tail<Parameters<typeof Completions.getCompletionsAtPosition>>
      ) => {
        const session = currentSession()
        prepareForCheck(rest[2], session)
        return Completions.getCompletionsAtPosition(completionHost(session), ...rest)
      },
    }
  },
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never

export const standIn = new Proxy(own, {
  get: (target, key) => (key in target ? target[key as string] : Reflect.get(typescript(), key)),
  has: (target, key) => key in target || key in typescript(),
})

/** Loading tslab only sets a flag here, so that needs no compiler yet. */
function systemStandIn(): object {
  const overrides: Record<string, unknown> = {
    newLine: "\n",
    useCaseSensitiveFileNames: true,
    getCurrentDirectory: () => currentSession().folder,
    watchFile: (path: string, listener: ts.FileWatcherCallback) =>
      currentSession().files.watch(path, listener),
    watchDirectory: () => ({ close() {} }),
    readFile(path: string, encoding?: string) {
      const { virtual, libraries, pages } = currentSession()
      const own = pages.textOf(path) ?? virtual.get(path)
      return own ?? libraries.textOf(path) ?? typescript().sys.readFile(path, encoding)
    },
    fileExists(path: string) {
      const { virtual, pages } = currentSession()
      return pages.textOf(path) !== undefined || virtual.has(path) || typescript().sys.fileExists(path)
    },
  }
  return new Proxy(overrides, {
    get: (target, key) => (key in target ? target[key as string] : Reflect.get(typescript().sys, key)),
    has: (target, key) => key in target || key in typescript().sys,
  })
}

/** 6059: a relative import may leave the notebook's folder; we run it where it is. */
const irrelevant = new Set([6059])

/**
 * Syntax and types only: the rest of what the fork reports concerns options, which are ours, and declaration files,
 * which are written as far as they can be.
 */
function diagnosticsOf(program: ts.Program, files: readonly ts.SourceFile[]): readonly ts.Diagnostic[] {
  const session = currentSession()
  for (const file of files) prepareForCheck(file, session)
  const modules = files.some(({ fileName }) => isCell(fileName)) ? modulesOf(program, session) : undefined
  const within = (found: readonly ts.Diagnostic[], file: ts.SourceFile) =>
    file === modules ? found.filter(({ start = 0 }) => start < session.ownModulesLength) : found
  const all = modules === undefined ? files : [...files, modules]
  const syntax = all.flatMap((file) => within(program.getSyntacticDiagnostics(file), file))
  const types =
    session.checks === "all" && syntax.length === 0
      ? all.flatMap((file) => within(program.getSemanticDiagnostics(file), file))
      : []
  const found = [...syntax, ...types].filter(
    (one) => one.category === 1 && one.file !== undefined && !irrelevant.has(one.code),
  )
  session.diagnostics = typescript().sortAndDeduplicateDiagnostics(found)
  return session.diagnostics
}

/** What a cell says of modules by name stands on a page, at the same place. */
function modulesOf(program: ts.Program, { pages, ownModulesLength }: Session): ts.SourceFile | undefined {
  return ownModulesLength === 0 ? undefined : program.getSourceFile(pages.modulesFile)
}

function install(): void {
  Object.defineProperty(globalThis, Symbol.for("cellfan.typescript"), { value: standIn, configurable: true })
  const require = createRequire(import.meta.url)
  try {
    const fork = createRequire(require.resolve("tslab/package.json")).resolve("@tslab/typescript-for-tslab")
    require.cache[fork] = Object.assign(Object.create(null), {
      id: fork,
      filename: fork,
      loaded: true,
      exports: standIn,
    })
  } catch {
    // The bundle carries tslab's code and is installed without its packages.
  }
}

install()
