import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { cache, dist, root, tsc } from "../util/paths.mjs"
import { mustRun } from "../util/run.mjs"
import { writeOptionTypes } from "./option-types.mjs"

/** Declarations of the public API, for editors, for scripts that import the package and for cells. */
export async function buildTypes() {
  const fresh = join(cache, `types-${process.pid}`)
  try {
    await mustRun(process.execPath, [tsc, "-p", join(root, "tsconfig.types.json"), "--outDir", fresh])
    await writeOptionTypes(join(fresh, "config", "schema.d.ts"))
    cpSync(fresh, join(dist, "types"), { recursive: true })
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}
