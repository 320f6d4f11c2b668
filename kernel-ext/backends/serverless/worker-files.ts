import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { installationFolder } from "../../util/version.ts"

/** The worker as it was built for one kind of platform: "container", "openwhisk", …. By name, in a fixed order. */
export function workerFiles(kind: string): ReadonlyMap<string, Buffer> {
  const folder = join(installationFolder(), "dist", "functions", kind)
  if (!existsSync(join(folder, "index.mjs")))
    throw new Error(
      `The worker "${kind}" is not built: ${folder} is missing. Run \`npm run build\` in the clone.`,
    )
  return new Map(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name))]),
  )
}
