import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** This clone, and the files it is made of. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Paths of all files that are, or would be, committed: what git tracks and what it does not ignore. */
export function repositoryFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
  })
  return listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)))
}

export function read(path: string): string {
  return readFileSync(join(root, path), "utf8")
}
