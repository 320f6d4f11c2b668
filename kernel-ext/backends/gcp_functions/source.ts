import { workerFiles } from "../serverless/worker-files.ts"
import { zip } from "../serverless/zip.ts"

/** The name under which the worker is exported. */
export const entryPoint = "cellfan"

/** Google's build installs it, and starts the function with it. */
const framework = { "@google-cloud/functions-framework": "5.0.5" }

let packed: Buffer | undefined

/** The worker as Google's build takes it. */
export function functionSource(): Buffer {
  if (packed === undefined) {
    const manifest = { private: true, type: "module", main: "index.mjs", dependencies: framework }
    const files = [...workerFiles("gcp-functions")].map(([name, bytes]) => [name, { bytes }])
    packed = zip({
      ...Object.fromEntries(files),
      "package.json": { bytes: Buffer.from(JSON.stringify(manifest)) },
    })
  }
  return packed
}

/** Google's Node.js that is nearest to one here. */
export function runtimeFor(nodeVersion: string = process.versions.node): "nodejs22" | "nodejs24" {
  return Number.parseInt(nodeVersion, 10) >= 24 ? "nodejs24" : "nodejs22"
}
