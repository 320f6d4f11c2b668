import { readdir, realpath, stat } from "node:fs/promises"
import { join } from "node:path"

/** Keys below a folder that begin with `prefix`, in the order of their UTF-8 bytes: that of S3. Links to folders count as folders. */
export async function* walk(folder: string, prefix: string): AsyncGenerator<string> {
  const slash = prefix.lastIndexOf("/")
  yield* below({ folder, prefix, left: [] }, prefix.slice(0, slash + 1))
}

interface Walk {
  readonly folder: string
  readonly prefix: string
  /** Folders that a link has led away from, as they are really called. */
  readonly left: readonly string[]
}

async function* below(at: Walk, parent: string): AsyncGenerator<string> {
  const { folder, prefix, left } = at
  for (const { name, isFolder, isLink } of await entries(join(folder, parent))) {
    const key = `${parent}${name}`
    if (!key.startsWith(prefix) && !(isFolder && prefix.startsWith(`${key}/`))) continue
    if (!isFolder) yield key
    else if (!isLink) yield* below(at, `${key}/`)
    else {
      const [here, there] = await Promise.all([realpath(join(folder, parent)), realpath(join(folder, key))])
      const above = [...left, here]
      // One that leads back up would go round and round.
      if (!above.some((one) => `${one}/`.startsWith(`${there}/`)))
        yield* below({ ...at, left: above }, `${key}/`)
    }
  }
}

interface Found {
  readonly name: string
  readonly isFolder: boolean
  readonly isLink: boolean
}

/** A folder counts as its name and a slash: `a-b` stands before `a/b`, as it does among keys. */
async function entries(path: string): Promise<Found[]> {
  const listed = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return []
    throw error
  })
  const found = listed.map(async (entry): Promise<Found> => {
    const isLink = entry.isSymbolicLink()
    const isFolder = isLink ? await leadsToFolder(join(path, entry.name)) : entry.isDirectory()
    return { name: entry.name, isFolder, isLink }
  })
  return (await Promise.all(found)).sort((a, b) =>
    byKey(a.isFolder ? `${a.name}/` : a.name, b.isFolder ? `${b.name}/` : b.name),
  )
}

function leadsToFolder(link: string): Promise<boolean> {
  return stat(link).then(
    (target) => target.isDirectory(),
    () => false,
  )
}

export function byKey(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
