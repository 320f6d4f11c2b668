import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

let known: string | undefined

/** The version of this installation of cellfan. Bundled or not, its package.json stands in a folder above. */
export function cellfanVersion(): string {
  known ??= read(dirname(fileURLToPath(import.meta.url)))
  return known
}

function read(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(at, "package.json"), "utf8"))
      if (name === "cellfan") return version
    } catch {
      // None here, or somebody else's.
    }
    if (at === dirname(at)) return "unknown"
  }
}
