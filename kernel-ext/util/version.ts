import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

interface Installation {
  readonly folder: string
  readonly version: string
}

let found: Installation | undefined

/** The version of this installation of cellfan. */
export function cellfanVersion(): string {
  found ??= find(dirname(fileURLToPath(import.meta.url)))
  return found.version
}

/** The folder that holds its package.json and dist/. */
export function installationFolder(): string {
  found ??= find(dirname(fileURLToPath(import.meta.url)))
  return found.folder
}

/** Bundled or not, this file stands somewhere below. */
function find(from: string): Installation {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      if (name === "cellfan") return { folder, version }
    } catch {
      // None here, or somebody else's.
    }
    if (folder === dirname(folder)) throw new Error(`${from} is not part of an installation of cellfan.`)
  }
}
