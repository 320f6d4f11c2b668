import { cellfanVersion } from "../../util/version.ts"
import { healthPath, packedWorker, workerContainer } from "../serverless/container.ts"
import { instanceSize } from "./sizes.ts"
import { type FoundWorkload, listedAs, literals, versionVariable, type Workload } from "./workload.ts"

export interface AppOptions {
  /** Calls that run at once. */
  readonly workers: number
  /** Calls that an instance runs at once (default: 1). */
  readonly concurrency?: number | undefined
  readonly cpu?: number | undefined
  /** An image with Node.js (default: Node's own). */
  readonly image?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

const folder = "/cellfan"

interface FoundApp extends FoundWorkload {
  readonly image_reference: string
  readonly scale_request_timeout: number
}

/** The worker as an app: a container of Node's image, with the worker in the secret that is mounted. */
export function appWorkload({ workers, concurrency = 1, cpu, image, env = {} }: AppOptions): Workload {
  return {
    ...{ noun: "app", collection: "apps", contentType: "application/json" },
    instanceOf: (memoryMiB) => instanceSize(memoryMiB, cpu),
    specOf({ timeoutMs }, { memory, cpu, usableMiB }) {
      const container = workerContainer({
        ...{ backend: "code_engine", image, concurrency, timeoutMs, memoryMiB: usableMiB, env },
      })
      return {
        image_reference: container.image,
        image_port: 8080,
        run_commands: container.command,
        run_arguments: container.args,
        run_env_variables: literals({
          ...{ ...container.env, [versionVariable]: cellfanVersion() },
          ...{ CELLFAN_WORKER_FILE: `${folder}/worker`, CELLFAN_TOKEN_FILE: `${folder}/token` },
        }),
        run_service_account: "none",
        managed_domain_mappings: "local_public",
        probe_readiness: { type: "http", path: healthPath, port: 8080 },
        scale_concurrency: concurrency,
        scale_cpu_limit: cpu,
        scale_memory_limit: memory,
        scale_min_instances: 0,
        scale_max_instances: Math.ceil(workers / concurrency),
        scale_request_timeout: Math.ceil(timeoutMs / 1000),
      }
    },
    secret: () => ({ worker: packedWorker() }),
    bodyOf: (name, spec) => ({
      ...{ name, ...spec },
      run_volume_mounts: [{ type: "secret", mount_path: folder, reference: name }],
    }),
    listed(found) {
      const { image_reference, scale_request_timeout } = found as FoundApp
      const runtime = image_reference.replace(/^docker\.io\/library\//, "")
      return listedAs(found, { timeoutSeconds: scale_request_timeout, runtime })
    },
  }
}
