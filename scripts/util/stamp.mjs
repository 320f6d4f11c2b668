import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { cache, root } from "./paths.mjs"

/** Remembers of each step the hash of what it was made from, so that what is up to date is not made again. */

/** Folders that hold results or dependencies: never inputs. */
const notInputs = new Set(["node_modules", "dist", "lib", "static-build", ".cache", ".venv", "__pycache__"])

/** Hash over the contents of files and folders (relative to the clone) and any `facts` besides. */
export function hashOf(paths, facts = []) {
  const hash = createHash("sha256")
  for (const fact of facts) hash.update(`${fact}\0`)
  for (const path of paths) {
    for (const file of filesUnder(join(root, path))) {
      hash
        .update(`${relative(root, file)}\0`)
        .update(readFileSync(file))
        .update("\0")
    }
  }
  return hash.digest("hex")
}

function* filesUnder(path) {
  if (!existsSync(path)) return
  const entries = readdirOrFile(path)
  if (entries === undefined) {
    yield path
    return
  }
  for (const entry of entries) if (!notInputs.has(entry)) yield* filesUnder(join(path, entry))
}

function readdirOrFile(path) {
  try {
    return readdirSync(path).sort()
  } catch (error) {
    if (error.code === "ENOTDIR") return undefined
    throw error
  }
}

/** Whether step `name` was last done for this hash and its `outputs` are still there. */
export function isDone(name, hash, outputs) {
  if (!outputs.every((path) => existsSync(path))) return false
  try {
    return readFileSync(stampOf(name), "utf8") === hash
  } catch {
    return false
  }
}

export function markDone(name, hash) {
  writeWhole(stampOf(name), hash)
}

function stampOf(name) {
  return join(cache, "stamps", name)
}

/** Writes a file so that a reader, or a second build at the same time, sees the old one or the new one and never half of it. */
export function writeWhole(path, contents) {
  mkdirSync(dirname(path), { recursive: true })
  const half = join(dirname(path), `.${basename(path)}.${process.pid}`)
  writeFileSync(half, contents)
  renameSync(half, path)
}
