import { cellfanVersion } from "../../util/version.ts"
import { workerFiles } from "../serverless/worker-files.ts"
import { zip } from "../serverless/zip.ts"
import { functionLimits } from "./facts.ts"
import { functionSize } from "./sizes.ts"
import { type FoundWorkload, listedAs, literals, versionVariable, type Workload } from "./workload.ts"

export interface FunctionOptions {
  readonly cpu?: number | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

const runtime = "nodejs-22"

/** Of the base64 of a function's source. */
const maxSourceLength = 1_048_576

interface FoundFunction extends FoundWorkload {
  readonly runtime: string
  readonly scale_max_execution_time: number
}

/** The worker as a function: its source comes with the request that makes it, the token by a variable from the secret. */
export function functionWorkload({ cpu, env = {} }: FunctionOptions): Workload {
  return {
    // Code Engine escapes what it takes for text or JSON.
    ...{ noun: "function", collection: "functions", contentType: "application/octet-stream" },
    instanceOf: (memoryMiB) => functionSize(memoryMiB, cpu),
    specOf: ({ timeoutMs }, { memory, cpu, usableMiB }) => ({
      runtime,
      code_reference: source(),
      code_binary: true,
      code_main: "main",
      managed_domain_mappings: "local_public",
      run_env_variables: literals({
        ...{ ...env, [versionVariable]: cellfanVersion() },
        CELLFAN_MEMORY_MIB: String(usableMiB),
        CELLFAN_TIMEOUT_MS: String(timeoutMs),
        CELLFAN_ANSWER_BYTES: String(functionLimits.answerBytes),
      }),
      scale_concurrency: 1,
      scale_cpu_limit: cpu,
      scale_memory_limit: memory,
      scale_max_execution_time: Math.ceil(timeoutMs / 1000),
    }),
    secret: () => ({}),
    bodyOf(name, spec) {
      const { run_env_variables: variables } = spec as { run_env_variables?: readonly object[] }
      const token = { type: "secret_key_reference", name: "CELLFAN_TOKEN", reference: name, key: "token" }
      return { name, ...spec, run_env_variables: [...(variables ?? []), token] }
    },
    listed(found) {
      const { runtime, scale_max_execution_time } = found as FoundFunction
      return listedAs(found, { timeoutSeconds: scale_max_execution_time, runtime })
    },
  }
}

let packed: string | undefined

/** Its runtime loads CommonJS: this loads the worker, which are modules, before the first call comes. */
function source(): string {
  if (packed === undefined) {
    const index =
      'const worker = import("./index.mjs")\nexports.main = async (call) => (await worker).main(call)\n'
    const files = [...workerFiles("code-engine-function")].map(([name, bytes]) => [name, { bytes }])
    const archive = zip({
      ...Object.fromEntries(files),
      "package.json": { bytes: Buffer.from(JSON.stringify({ main: "function.cjs" })) },
      "function.cjs": { bytes: Buffer.from(index) },
    })
    packed = `data:application/zip;base64,${archive.toString("base64")}`
    if (packed.length > maxSourceLength)
      throw new RangeError(`The worker has ${packed.length} bytes; a function may have ${maxSourceLength}.`)
  }
  return packed
}
