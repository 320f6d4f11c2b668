import { createHash } from "node:crypto"
import { brotliCompressSync, constants } from "node:zlib"
import { cellfanVersion } from "../../util/version.ts"
import type { FunctionSize } from "./platform.ts"
import { workerFiles } from "./worker-files.ts"

/**
 * The container that takes calls by HTTP, for platforms that run containers. It needs an image with Node.js and nothing else: the worker
 * comes with what is deployed, so that there is nothing to build and no registry to have, and host and worker are of one version.
 */
export interface Container {
  readonly image: string
  readonly command: readonly string[]
  readonly args: readonly string[]
  /** What it listens on is the platform's to say: PORT. */
  readonly env: Readonly<Record<string, string>>
}

export interface ContainerOptions extends FunctionSize {
  /** What instances are called: the backend. */
  readonly backend: string
  /** Default: Node's own, of the version nearest to the one here. */
  readonly image?: string | undefined
  /** Calls that an instance runs at once (default: 1). */
  readonly concurrency?: number | undefined
  /** What tasks find in process.env. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Where the platform says that a container is up. */
export const healthPath = "/health"

export function workerContainer({
  backend,
  image = nodeImage(),
  concurrency = 1,
  memoryMiB,
  timeoutMs,
  env = {},
}: ContainerOptions): Container {
  const loader = workerFiles("container-loader").get("index.mjs")?.toString("utf8") ?? ""
  return {
    image,
    command: ["node"],
    args: ["--input-type=module", "--eval", loader],
    env: {
      ...env,
      CELLFAN_BACKEND: backend,
      CELLFAN_CONCURRENCY: String(concurrency),
      CELLFAN_MEMORY_MIB: String(memoryMiB),
      CELLFAN_TIMEOUT_MS: String(timeoutMs),
    },
  }
}

/** Node's own image of the version nearest to one here: functions meet the language and the library that they were written for. */
export function nodeImage(nodeVersion: string = process.versions.node): string {
  return `docker.io/library/node:${Number.parseInt(nodeVersion, 10) >= 24 ? 24 : 22}-slim`
}

let packed: string | undefined

/** The worker's files as the loader takes them (worker/entry/container-loader.ts): some 240 kB of base64. */
export function packedWorker(): string {
  if (packed === undefined) {
    const files = [...workerFiles("container")].map(([name, bytes]) => [name, bytes.toString("utf8")])
    const text = JSON.stringify(Object.fromEntries(files))
    packed = brotliCompressSync(text, {
      params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
    }).toString("base64")
  }
  return packed
}

/** The same in pieces of at most so many characters: the variables CELLFAN_WORKER_0, …. */
export function packedWorkerVariables(maxLength: number): Record<string, string> {
  const text = packedWorker()
  const count = Math.ceil(text.length / maxLength)
  const piece = (at: number) => text.slice(at * maxLength, (at + 1) * maxLength)
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`CELLFAN_WORKER_${at}`, piece(at)]))
}

const namePrefix = "cellfan-"

/**
 * A name made of all that makes one deployment differ from others, so that who needs the same finds the same. It fits
 * platforms that take 49 lower-case letters, digits and "-".
 */
export function deploymentName(
  identity: object,
  { memoryMiB, namespace }: { memoryMiB: number; namespace?: string | undefined },
): string {
  const hash = createHash("sha256")
    .update(cellfanVersion())
    .update(packedWorker())
    .update(JSON.stringify(identity))
  const parts = [namespace, `${memoryMiB}mib`, hash.digest("hex").slice(0, 16)]
  return namePrefix + parts.filter((part) => part !== undefined).join("-")
}

/** Whether a deployment of cellfan's, in this namespace of names, is called so. */
export function isDeploymentName(name: string, namespace: string | undefined): boolean {
  const begins = namespace === undefined ? namePrefix : `${namePrefix}${namespace}-`
  return name.startsWith(begins) && /mib-[0-9a-f]{16}$/.test(name)
}
