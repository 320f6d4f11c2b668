import { statSync } from "node:fs"
import type ts from "typescript"
import type { WatchedFiles } from "./session.ts"

/** The codes of ts.FileWatcherEventKind, which may not be loaded yet. */
const CHANGED = 1
const DELETED = 2

/**
 * Asks the file system just before a cell is compiled instead of waiting for its events: a file saved a moment ago
 * counts, and no watchers are held on the hundreds of declaration files that never change while a notebook runs.
 */
export function createWatchedFiles(): WatchedFiles {
  const watched = new Map<string, { stamp: string; listeners: Set<ts.FileWatcherCallback> }>()
  return {
    watch(path, listener) {
      if (path.includes("/node_modules/")) return { close() {} }
      const entry = watched.get(path) ?? { stamp: stampOf(path), listeners: new Set() }
      watched.set(path, entry)
      entry.listeners.add(listener)
      return {
        close() {
          entry.listeners.delete(listener)
          if (entry.listeners.size === 0) watched.delete(path)
        },
      }
    },
    poll() {
      for (const [path, entry] of [...watched]) {
        const stamp = stampOf(path)
        if (stamp === entry.stamp) continue
        entry.stamp = stamp
        for (const listener of [...entry.listeners]) listener(path, stamp === "" ? DELETED : CHANGED)
      }
    },
  }
}

/** Changes whenever the file does; empty where there is none. */
export function stampOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? "" : `${stats.mtimeMs} ${stats.size} ${stats.ino}`
}
