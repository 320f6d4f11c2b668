import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Isolation } from "../backend.ts"

const names: Readonly<Record<Isolation, string>> = { process: "worker.cjs", thread: "worker-thread.cjs" }

/** Whether the worker runtime is built. */
export function hasWorkerFile(isolation: Isolation): boolean {
  return existsSync(pathOf(isolation))
}

/** The built worker runtime: beside the bundle this runs from, or in dist/ of the clone when it runs from source. */
export function workerFile(isolation: Isolation): string {
  const file = pathOf(isolation)
  if (!existsSync(file))
    throw new Error(
      `The worker runtime is not built: ${file} is missing. Run \`npm run build\` in the clone.`,
    )
  return file
}

function pathOf(isolation: Isolation): string {
  const here = import.meta.url
  const folder = here.endsWith(".ts") ? "../../../dist/" : here.includes("/chunks/") ? "../" : "./"
  return fileURLToPath(new URL(`${folder}${names[isolation]}`, here))
}
