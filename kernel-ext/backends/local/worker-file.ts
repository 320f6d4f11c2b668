import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The built worker runtime: beside the bundle this runs from, or in dist/ of the clone when it runs from source. */
export function workerFile(): string {
  const here = import.meta.url
  const relative = here.endsWith(".ts")
    ? "../../../dist/worker.js"
    : here.includes("/chunks/")
      ? "../worker.js"
      : "./worker.js"
  const file = fileURLToPath(new URL(relative, here))
  if (!existsSync(file))
    throw new Error(
      `The worker runtime is not built: ${file} is missing. Run \`npm run build\` in the clone.`,
    )
  return file
}
