import type ts from "typescript"
import { PREFIX } from "./prefix.ts"

/**
 * The files with the declarations of earlier cells (see declarations.ts). The recent ones are in the file that tslab
 * has for all; the settled ones are in a file that it does not know of.
 */

const RECENT = "__prev__.d.ts"
const SETTLED = "__settled__.d.ts"

/** The recent and the settled page of the cells in `folder`. */
export function pageFiles(folder: string): readonly [recent: string, settled: string] {
  return [`${folder}/${RECENT}`, `${folder}/${SETTLED}`]
}

export function isRecentPage(path: string): boolean {
  return path.endsWith(`/${RECENT}`)
}

export interface Pages {
  readonly settledFile: string
  readonly settledText: string
  /** Says what is on the settled page from now on. */
  settle(text: string): void
  /** Watches a file, where pages tell of a change only if there is one: then the program keeps what it made of them. */
  watch(path: string, listener: ts.FileWatcherCallback, system: ts.System): ts.FileWatcher
}

export function createPages(folder: string): Pages {
  const [recentFile, settledFile] = pageFiles(folder)
  let settledText = PREFIX
  let onSettled: ts.FileWatcherCallback = () => {}
  return {
    settledFile,
    get settledText() {
      return settledText
    },
    settle(declarations) {
      const text = PREFIX + declarations
      if (text === settledText) return
      settledText = text
      onSettled(settledFile, CHANGED)
    },
    watch(path, listener, system) {
      if (path === settledFile) {
        onSettled = listener
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
