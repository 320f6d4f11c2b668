import { ownCode } from "../backends/lambda/function-code.ts"
import { LambdaBackend } from "../backends/lambda/lambda.ts"
import { lambdaDefaults } from "../config/aws.ts"
import { configuration } from "../config/load.ts"
import { type JobOptions, type ServerlessOptions, serverlessOptions } from "../config/schema.ts"
import { describeStorage, storageBackend } from "../config/storage.ts"
import { parseOptions } from "../config/validate.ts"
import type { StorageDescription } from "../protocol/storage.ts"
import { Executor } from "./executor.ts"

/**
 * Runs each task as a call of a serverless function, which is deployed at the first map and found again by every later one.
 * Credentials are found as Amazon's SDK finds them.
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
  { backend: _, retries, ...given }: ServerlessOptions,
  where: string,
): { readonly backend: LambdaBackend; readonly defaults: JobOptions } {
  const configured = configuration()
  const section = configured.section("aws_lambda", given, where)
  const { chunkSize, retries: configuredRetries } = configured.section("cellfan")
  const {
    env = {},
    tags = {},
    region,
    profile,
    endpoint,
    runtime,
    ...settings
  } = filled(section, lambdaDefaults)
  const { accessKeyId, secretAccessKey, sessionToken, usdPerGbSecond, usdPerRequest, ...sizes } = settings
  const keys = () => ({
    accessKeyId: accessKeyId ?? "",
    secretAccessKey: secretAccessKey?.reveal() ?? "",
    ...(sessionToken !== undefined && { sessionToken: sessionToken.reveal() }),
  })
  const backend = new LambdaBackend({
    ...{ ...sizes, env, tags },
    access: { region, profile, endpoint, keys: accessKeyId === undefined ? undefined : keys },
    code: ownCode(runtime),
    prices: {
      ...(usdPerGbSecond !== undefined && { usdPerGbSecond }),
      ...(usdPerRequest !== undefined && { usdPerRequest }),
    },
    storage: () => storageBeside({ region, profile, endpoint }),
    // Progress is shown under the notebook's cell, or on a script's stderr: it is no result.
    onProgress: (text) => console.error(text),
  })
  return { backend, defaults: { retries: retries ?? configuredRetries, chunkSize } as JobOptions }
}

/** The configured storage, where functions can reach it; or S3 beside them. */
function storageBeside(access: {
  region: string | undefined
  profile: string | undefined
  endpoint: string | undefined
}): StorageDescription {
  const configured = configuration()
  if (storageBackend(configured) !== "localhost") return describeStorage(configured)
  const { endpoint } = access
  const given = Object.fromEntries(Object.entries(access).filter(([, value]) => value !== undefined))
  return describeStorage(configured, {
    ...{ backend: "aws_s3", ...given },
    ...(endpoint !== undefined && { pathStyle: true }),
  })
}

/** Values, with defaults for those that nobody has given. */
function filled<T extends object, D extends Partial<T>>(
  values: T,
  defaults: D,
): Omit<T, keyof D> & { [K in keyof D & keyof T]-?: NonNullable<T[K]> } {
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(given) } as never
}
