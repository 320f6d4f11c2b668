import { dirname } from "node:path"
import type ts from "typescript"
import { Declarations, declaredNames } from "./declarations.ts"
import { decoratorHint } from "./decorators.ts"
import { jsxHint } from "./jsx.ts"
import { modulesPage } from "./named-modules.ts"
import { configuredOptions, libraries } from "./options.ts"
import { createPages } from "./pages.ts"
import { PREFIX } from "./prefix.ts"
import { completionHost } from "./program.ts"
import { isModuleThere } from "./resolution.ts"
import { inSession, type Session } from "./session.ts"
import { type CellSource, readCell } from "./source.ts"
import { tslabDeclarations } from "./tslab-declarations.ts"
import { typeLibraries } from "./type-libraries.ts"
import { saveCodeCache, typescript } from "./typescript.ts"
import { createWatchedFiles } from "./watched-files.ts"

/** What is used of tslab's converter. */
export interface Converter {
  convert(declarations: string, code: string): { readonly declOutput?: string }
  inspect(declarations: string, code: string, position: number): ts.QuickInfo | undefined
  complete(
    declarations: string,
    code: string,
    position: number,
  ): { start: number; end: number; candidates: string[]; original?: unknown }
  addModule(name: string, code: string): unknown
  close(): void
}

export interface CompilerOptions {
  readonly folder: string
  readonly declarations: Readonly<Record<string, string>>
  readonly typeCheck: boolean
  readonly cacheFolder: string | undefined
  readonly createConverter: () => Converter
}

/** A cell without its types. */
export interface CompiledCell {
  readonly status: "compiled"
  /** An ES module that ends with `export { … }` of the names the cell declares. */
  readonly javascript: string
  /** Source map from `javascript` to the cell, whose lines it counts from 2. */
  readonly sourceMap: string
  /** Declarations of all names after this cell. */
  readonly declarations: Declarations
  readonly source: CellSource
}

export interface RejectedCell {
  readonly status: "rejected"
  readonly diagnostics: readonly ts.Diagnostic[]
  /** What to do, where the errors come from a setting. */
  readonly hint: string | undefined
}

const TSLAB_FILE = "/cellfan:tslab/index.d.ts"

export type Compiler = ReturnType<typeof createCompiler>

/**
 * Checks and compiles cells. tslab's converter sees each cell after the declarations of all earlier ones; nothing is
 * loaded before the first call.
 */
export function createCompiler(options: CompilerOptions) {
  /** Modules that cells have declared by name. */
  let declared: ReadonlyMap<string, string> = new Map()
  let loaded: { converter: Converter; session: Session } | undefined

  function load() {
    if (loaded !== undefined) return loaded
    const tsc = typescript(options.cacheFolder)
    const libraryFolder = dirname(tsc.sys.getExecutingFilePath())
    const session: Session = {
      folder: options.folder,
      declarations: { tslab: TSLAB_FILE, ...options.declarations },
      virtual: new Map([[TSLAB_FILE, tslabDeclarations]]),
      pages: createPages(options.folder),
      files: createWatchedFiles(),
      libraries: typeLibraries(libraryFolder, libraries()),
      configured: configuredOptions(options.folder),
      checks: "all",
      hasExportList: false,
      ownModulesLength: 0,
      diagnostics: [],
      javascript: "",
      sourceMap: "",
      program: undefined,
    }
    loaded = { session, converter: inSession(session, options.createConverter) }
    return loaded
  }

  /** Whether the notebook's tsconfig.json says how to compile JSX: then cells may have it. */
  const usesJsx = () => load().session.configured.jsx !== undefined

  function compile(declarations: Declarations, code: string): CompiledCell | RejectedCell {
    const { converter, session } = load()
    return inSession(session, () => {
      session.files.poll()
      const source = readCell(code, usesJsx(), (name) => isModuleThere(name, session))
      const { modules } = source
      if (source.deferredImports.length > 0)
        return { status: "rejected", diagnostics: source.deferredImports, hint: undefined }
      session.checks = options.typeCheck && !source.unchecked ? "all" : "syntax"
      session.diagnostics = []
      session.javascript = ""
      session.hasExportList = true
      session.pages.settle(declarations.settledText)
      session.ownModulesLength = modules.page.length
      session.pages.declareModules(modulesPage(modules, declared))
      const { declOutput = "" } = converter.convert(declarations.recentText, source.text + exportList(source))
      const { diagnostics, configured } = session
      if (diagnostics.length > 0)
        return {
          status: "rejected",
          diagnostics,
          hint: decoratorHint(diagnostics, configured) ?? jsxHint(code, diagnostics, configured),
        }
      declared = new Map([...declared, ...modules.declared])
      const nested = /\bvar\b/.test(code) ? nestedVars(session, declOutput) : ""
      return {
        status: "compiled",
        javascript: session.javascript,
        sourceMap: session.sourceMap,
        declarations: declarations.after(nested + declOutput),
        source,
      }
    })
  }

  return {
    compile,
    usesJsx,
    /** Loads everything and checks a first cell, so that the user's first one is as fast as the second. */
    warm() {
      compile(
        Declarations.none,
        'console.log("warm", [1].map(String))\nconst warm = await Promise.resolve(1)',
      )
      saveCodeCache()
    },
    inspect({ settledText, recentText }: Declarations, code: string, position: number) {
      const { converter, session } = load()
      return inSession(session, () => {
        session.pages.settle(settledText)
        return converter.inspect(recentText, code, position)
      })
    },
    complete({ settledText, recentText }: Declarations, code: string, position: number) {
      const { converter, session } = load()
      return inSession(session, () => {
        session.pages.settle(settledText)
        return converter.complete(recentText, code, position)
      })
    },
    /** Signatures of completions at `offset` of the code that was completed last, as far as `budgetMs` reaches. */
    signatures(code: string, offset: number, entries: readonly ts.CompletionEntry[], budgetMs: number) {
      const { session } = load()
      return inSession(session, () => signaturesOf(session, code, offset, entries, budgetMs))
    },
    /** Defines a module that lives in memory, as tslab's `@module` cells do. Returns what is wrong with it. */
    addModule(name: string, code: string): readonly ts.Diagnostic[] {
      const { converter, session } = load()
      return inSession(session, () => {
        session.checks = options.typeCheck ? "all" : "syntax"
        session.diagnostics = []
        converter.addModule(name, code)
        return session.diagnostics
      })
    },
    session: () => load().session,
    close() {
      if (loaded !== undefined) {
        const { converter, session } = loaded
        inSession(session, () => converter.close())
      }
      loaded = undefined
    },
  }
}

/** Makes declaration files tell of the cell's names. tslab would write the same, and check the cell once more for it. */
function exportList({ names }: CellSource): string {
  return names.length === 0 ? "" : `\nexport {${names.join(", ")}}`
}

/** A `var` in a block is the notebook's too, and the one kind of name that declaration files leave out. */
function nestedVars({ program, folder }: Session, written: string): string {
  const tsc = typescript()
  const file = program?.getSourceFile(`${folder}/__tslab__.ts`)
  const { locals } = (file ?? {}) as { locals?: ReadonlyMap<string, ts.Symbol> }
  if (program === undefined || locals === undefined) return ""
  const declared = declaredNames(written)
  const checker = program.getTypeChecker()
  return [...locals.values()]
    .filter(({ flags, name }) => flags & tsc.SymbolFlags.FunctionScopedVariable && !declared.has(name))
    .map((symbol) => {
      const type = checker.typeToString(
        checker.getTypeOfSymbol(symbol),
        undefined,
        tsc.TypeFormatFlags.NoTruncation,
      )
      return `declare var ${tsc.symbolName(symbol)}: ${type};\n`
    })
    .join("")
}

/** So many completions have their signature however long it takes. */
const ALWAYS_SIGNED = 5

function signaturesOf(
  session: Session,
  code: string,
  offset: number,
  entries: readonly ts.CompletionEntry[],
  budgetMs: number,
): Map<string, string> {
  const tsc = typescript()
  const { program, folder } = session
  const found = new Map<string, string>()
  const file = program?.getSourceFile(`${folder}/__tslab__.ts`)
  if (program === undefined || file?.text !== PREFIX + code) return found
  const until = performance.now() + budgetMs
  for (const [index, { name, source, data }] of entries.entries()) {
    if (index >= ALWAYS_SIGNED && performance.now() > until) break
    const details = tsc.Completions.getCompletionEntryDetails(
      program,
      () => {},
      file,
      offset + PREFIX.length,
      { name, source, data },
      completionHost(session),
      {},
      {},
      { isCancellationRequested: () => false, throwIfCancellationRequested: () => {} },
    )
    const text = details?.displayParts.map((part) => part.text).join("")
    if (text !== undefined && text !== name) found.set(name, text)
  }
  return found
}
