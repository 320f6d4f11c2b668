import type ts from "typescript"
import { PREFIX } from "./prefix.ts"

/**
 * The files with the declarations of earlier cells (see declarations.ts). The recent ones are in the file that tslab
 * has for all; the settled ones, and modules (named-modules.ts), are in files that it does not know of.
 */

const RECENT = "__prev__.d.ts"
const SETTLED = "__settled__.d.ts"
/** Not a declaration file, in which nothing is checked. */
const MODULES = "__modules__.ts"

/** The recent and the settled page of the cells in `folder`. */
export function pageFiles(folder: string): readonly [recent: string, settled: string] {
  return [`${folder}/${RECENT}`, `${folder}/${SETTLED}`]
}

export function isRecentPage(path: string): boolean {
  return path.endsWith(`/${RECENT}`)
}

/** Positions in it that concern a cell are those in the cell. */
export function isModulesPage(path: string): boolean {
  return path.endsWith(`/${MODULES}`)
}

export interface Pages {
  /** Those that tslab does not know of. */
  readonly files: readonly string[]
  readonly modulesFile: string
  /** What is on one of these; undefined where it is another file. */
  textOf(path: string): string | undefined
  /** Says what is on the settled page from now on. */
  settle(declarations: string): void
  /** Says what is on the page of modules from now on. */
  declareModules(text: string): void
  /** Watches a file, where pages tell of a change only if there is one: then the program keeps what it made of them. */
  watch(path: string, listener: ts.FileWatcherCallback, system: ts.System): ts.FileWatcher
}

export function createPages(folder: string): Pages {
  const [recentFile, settledFile] = pageFiles(folder)
  const modulesFile = `${folder}/${MODULES}`
  const texts = new Map([
    [settledFile, PREFIX],
    [modulesFile, ""],
  ])
  const listeners = new Map<string, ts.FileWatcherCallback>()
  const write = (path: string, text: string) => {
    if (text === texts.get(path)) return
    texts.set(path, text)
    listeners.get(path)?.(path, CHANGED)
  }
  return {
    files: [settledFile, modulesFile],
    modulesFile,
    textOf: (path) => texts.get(path),
    settle: (declarations) => write(settledFile, PREFIX + declarations),
    declareModules: (text) => write(modulesFile, text),
    watch(path, listener, system) {
      if (texts.has(path)) {
        listeners.set(path, listener)
        return { close() {} }
      }
      const { watchFile } = system
      if (watchFile === undefined) return { close() {} }
      if (path !== recentFile) return watchFile(path, listener)
      let known = system.readFile(path)
      return watchFile(path, (...change) => {
        const text = system.readFile(path)
        if (text === known) return
        known = text
        listener(...change)
      })
    },
  }
}

/** The code of ts.FileWatcherEventKind, which may not be loaded yet. */
const CHANGED = 1
