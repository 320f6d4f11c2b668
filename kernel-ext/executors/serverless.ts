import { BackendLater } from "../backends/later.ts"
import { serverlessFacts } from "../backends/serverless/facts.ts"
import type { ServerlessBackend } from "../backends/serverless/serverless.ts"
import { type Configuration, configuration } from "../config/load.ts"
import { type JobOptions, type ServerlessOptions, serverlessOptions } from "../config/schema.ts"
import {
  isServerless,
  type ServerlessName,
  serverlessNames,
  serverlessSections,
} from "../config/serverless/providers.ts"
import { describeStorage, type StorageOptions, storageBackend } from "../config/storage.ts"
import { parseOptions } from "../config/validate.ts"
import { ConfigError } from "../errors.ts"
import type { StorageDescription } from "../protocol/storage.ts"
import { inWords } from "../util/in-words.ts"
import { Executor } from "./executor.ts"
import { platforms } from "./platforms.ts"

/**
 * Runs each task as a call of a serverless function, which is deployed at the first map and found again by every later one.
 * Credentials are found as the provider's own tools find them.
 *
 * @example
 * ```ts
 * await using fexec = new ServerlessExecutor({ memoryMiB: 512 })
 * const lengths = await fexec.map((word: string) => word.length, ["one", "three"])   // [3, 5]
 * ```
 */
export class ServerlessExecutor extends Executor {
  constructor(options?: ServerlessOptions) {
    const given = parseOptions(serverlessOptions, options, "ServerlessExecutor")
    const { backend, defaults } = serverless(given, "ServerlessExecutor")
    super(backend, defaults, {})
  }
}

/** The backend of serverless functions, as options and, for what they leave open, the configuration say. */
export function serverless(
  { backend: named, retries, ...given }: ServerlessOptions,
  where: string,
): {
  readonly backend: BackendLater
  /** The same, for what only backends of functions can do. */
  readonly load: () => Promise<ServerlessBackend>
  readonly defaults: JobOptions
} {
  const configured = configuration()
  const name = named ?? configuredName(configured)
  refuseOthers(name, given, where)
  const { platform, workers, storage } = platforms[name](configured, given, where)
  const {
    chunkSize,
    retries: configuredRetries,
    timeoutMs: configuredTimeoutMs,
  } = configured.section("cellfan")
  // What a function may take was said here for its tasks; else the configuration may say it of tasks anywhere.
  const timeoutMs = given.timeoutMs === undefined ? configuredTimeoutMs : undefined
  const load = async () => {
    const { ServerlessBackend } = await import("../backends/serverless/serverless.ts")
    return new ServerlessBackend({
      ...{ platform, workers },
      storage: () => reachableStorage(platform.title, storage),
      // Progress is shown under the notebook's cell, or on a script's stderr: it is no result.
      onProgress: (text) => console.error(text),
    })
  }
  const backend = new BackendLater({ ...serverlessFacts(platform), workers }, load)
  return {
    backend,
    load,
    defaults: { retries: retries ?? configuredRetries, chunkSize, timeoutMs } as JobOptions,
  }
}

/** The configured storage, where functions can reach it; or what stands beside them. */
function reachableStorage(title: string, beside: StorageOptions | undefined): StorageDescription {
  const configured = configuration()
  if (storageBackend(configured) !== "localhost") return describeStorage(configured)
  if (beside !== undefined) return describeStorage(configured, beside)
  throw new ConfigError(
    `Functions on ${title} do not reach files of this machine. Configure storage that they reach, such as \`storage: minio\` in the section cellfan.`,
    { key: "storage" },
  )
}

/** The configured backend; or the only platform that the configuration has a section of. */
function configuredName(configured: Configuration): ServerlessName {
  const { backend } = configured.section("cellfan")
  if (isServerless(backend)) return backend
  const [only, another] = serverlessNames.filter((name) => configured.mentions(name))
  return only !== undefined && another === undefined ? only : "aws_lambda"
}

/** Executors take the options of all platforms: those that only another one has would be lost. */
function refuseOthers(name: ServerlessName, given: object, where: string): void {
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || key in serverlessSections[name].schema.shape) continue
    const others = serverlessNames.filter((other) => key in serverlessSections[other].schema.shape)
    throw new ConfigError(
      `${where}: the backend ${name} has no option \`${key}\`; it is one of ${inWords(others, "and")}.`,
      { key },
    )
  }
}
