import { readdir } from "node:fs/promises"
import { join } from "node:path"

/** Keys below a folder that begin with `prefix`, in the order of their UTF-8 bytes: that of S3. */
export async function* walk(folder: string, prefix: string): AsyncGenerator<string> {
  const slash = prefix.lastIndexOf("/")
  yield* below(folder, prefix.slice(0, slash + 1), prefix)
}

async function* below(folder: string, parent: string, prefix: string): AsyncGenerator<string> {
  for (const { name, isFolder } of await entries(join(folder, parent))) {
    const key = `${parent}${name}`
    if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(`${key}/`))) continue
    if (isFolder) yield* below(folder, `${key}/`, prefix)
    else yield key
  }
}

/** A folder counts as its name and a slash: `a-b` stands before `a/b`, as it does among keys. */
async function entries(path: string): Promise<{ name: string; isFolder: boolean }[]> {
  const found = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return []
    throw error
  })
  return found
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
    .sort((a, b) => byKey(a.isFolder ? `${a.name}/` : a.name, b.isFolder ? `${b.name}/` : b.name))
}

export function byKey(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
