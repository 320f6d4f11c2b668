import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import packageFile from "../../package.json" with { type: "json" }

let found: string | undefined

/** The version of cellfan, which bundles take along: agents stand alone on their machines. */
export function cellfanVersion(): string {
  return packageFile.version
}

/** The folder that holds its package.json and dist/. */
export function installationFolder(): string {
  found ??= find(dirname(fileURLToPath(import.meta.url)))
  return found
}

/** Bundled or not, this file stands somewhere below. */
function find(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      const { name } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
      if (name === "cellfan") return folder
    } catch {
      // None here, or somebody else's.
    }
    if (folder === dirname(folder)) throw new Error(`${from} is not part of an installation of cellfan.`)
  }
}
