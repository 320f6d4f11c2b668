import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { installationFolder } from "../../util/version.ts"
import { type ZipFile, zip } from "../serverless/zip.ts"

/** What a function is made of. */
export interface FunctionCode {
  readonly zip: Uint8Array
  /** "nodejs22.x", …: what Lambda has to run it. */
  readonly runtime: string
  readonly handler: string
}

let ownZip: Buffer | undefined

/** cellfan's own worker, on one of Lambda's Node.js. */
export function ownCode(runtime: string): FunctionCode {
  ownZip ??= zip(ownFiles())
  return { zip: ownZip, runtime, handler: "index.handler" }
}

/** The worker as it was built. */
export function ownFiles(): Record<string, ZipFile> {
  const folder = join(installationFolder(), "dist", "functions", "lambda")
  if (!existsSync(join(folder, "index.mjs")))
    throw new Error(
      `The worker for Lambda is not built: ${folder} is missing. Run \`npm run build\` in the clone.`,
    )
  const names = readdirSync(folder)
  return Object.fromEntries(names.map((name) => [name, { bytes: readFileSync(join(folder, name)) }]))
}
