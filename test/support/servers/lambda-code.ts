import { readFileSync } from "node:fs"
import { join } from "node:path"
import { type FunctionCode, ownFiles } from "../../../kernel-ext/backends/lambda/function-code.ts"
import { zip } from "../../../kernel-ext/backends/serverless/zip.ts"

/** cellfan's worker for an operating system without a Node.js of Lambda's: with a bootstrap that runs this process's own. */
export function bareCode(): FunctionCode {
  return { zip: zip(bareFiles()), runtime: "provided.al2023", handler: "bootstrap" }
}

export function bareFiles() {
  const loop = readFileSync(join(import.meta.dirname, "lambda-bootstrap.mjs"))
  const script = `#!/bin/sh\nexec "${process.execPath}" "$(dirname "$0")/runtime.mjs"\n`
  return {
    ...ownFiles(),
    "runtime.mjs": { bytes: loop },
    bootstrap: { bytes: Buffer.from(script), executable: true },
  }
}
