import type ts from "typescript"
import type { Pages } from "./pages.ts"
import type { TypeLibraries } from "./type-libraries.ts"

/**
 * What one interpreter's compiler and the stand-in for tslab's TypeScript tell each other. tslab reaches TypeScript
 * as a module, of which there is one in the process: `inSession` says for whom it works at the moment.
 */
export interface Session {
  readonly folder: string
  /** Declaration files of the modules that the kernel gives to cells, by module name. */
  readonly declarations: Readonly<Record<string, string>>
  readonly files: WatchedFiles
  /** Files that are in no file system, by path. */
  readonly virtual: ReadonlyMap<string, string>
  /** Declarations of earlier cells, of which tslab knows the recent ones only. */
  readonly pages: Pages
  readonly libraries: TypeLibraries
  /** Compiler options from the folder's tsconfig.json. */
  readonly configured: ts.CompilerOptions
  /** Which errors of types stop a cell. */
  checks: "all" | "syntax"
  /** A cell is being converted whose names stand in an `export` list behind it already. */
  hasExportList: boolean
  /** How much of the page of modules is the cell's own; see named-modules.ts. */
  ownModulesLength: number
  /** What the last conversion found and wrote. */
  diagnostics: readonly ts.Diagnostic[]
  javascript: string
  sourceMap: string
  program: ts.Program | undefined
}

/** Source files of the program and who wants to know when they change. */
export interface WatchedFiles {
  watch(path: string, listener: ts.FileWatcherCallback): ts.FileWatcher
  /** Tells the listeners of what changed since the last call. */
  poll(): void
}

let current: Session | undefined

export function inSession<T>(session: Session, work: () => T): T {
  const before = current
  current = session
  try {
    return work()
  } finally {
    current = before
  }
}

export function currentSession(): Session {
  if (current === undefined) throw new Error("The compiler was called outside of a session")
  return current
}
