import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { exportsOf } from "./exports-of.ts"

/**
 * A package that is loaded when it is first used: from beside cellfan, or from the notebook's own folder.
 *
 * @param importIt `() => import(name)`, written out, so that bundlers and types see it.
 * @param missing The error to throw where it is in neither.
 */
export async function loadPackage<T extends object>(
  name: string,
  importIt: () => Promise<T>,
  missing: (cause: unknown) => Error,
): Promise<T> {
  try {
    return exportsOf(await importIt())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error
    const found = findFrom(process.cwd(), name)
    if (found === undefined) throw missing(error)
    return exportsOf((await import(found)) as T)
  }
}

function findFrom(folder: string, name: string): string | undefined {
  try {
    return pathToFileURL(createRequire(`${folder}/package.json`).resolve(name)).href
  } catch {
    return undefined
  }
}
