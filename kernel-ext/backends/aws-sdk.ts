import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { BackendError } from "../errors.ts"
import { exportsOf } from "../util/exports-of.ts"

/** What all backends on Amazon share: how it is reached, and loading its SDK when it is first used. */

/** How Amazon is reached. What is not said, the SDK finds as it always does. */
export interface AwsAccess {
  readonly region?: string | undefined
  readonly profile?: string | undefined
  /** URL of the services, where they are not Amazon's. */
  readonly endpoint?: string | undefined
  /** Called when a client is made, so that keys stand nowhere else. */
  readonly keys?: (() => AwsKeys) | undefined
}

export interface AwsKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Options that all clients take. */
export function clientOptions({ region, profile, endpoint, keys }: AwsAccess) {
  return {
    // An emulator takes any region.
    ...((region ?? endpoint) !== undefined && { region: region ?? process.env.AWS_REGION ?? "us-east-1" }),
    ...(profile !== undefined && { profile }),
    ...(endpoint !== undefined && { endpoint }),
    ...(keys !== undefined && { credentials: keys() }),
  }
}

/** It says in every process which version of Node it will need next year: that is for whoever updates cellfan. */
const quiet = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"

/**
 * A package of the SDK, from beside cellfan or from the notebook's own folder.
 *
 * @param needed What is said where it is in neither: who needs it, and the packages to install.
 */
export async function loadSdk<T extends object>(
  name: string,
  importIt: () => Promise<T>,
  needed: { readonly backend: string; readonly what: string; readonly packages: string },
): Promise<T> {
  process.env[quiet] ??= "true"
  try {
    return exportsOf(await importIt())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error
    return loadFromNotebook(name, needed, error)
  }
}

async function loadFromNotebook<T extends object>(
  name: string,
  { backend, what, packages }: { backend: string; what: string; packages: string },
  cause: unknown,
): Promise<T> {
  try {
    const require = createRequire(`${process.cwd()}/package.json`)
    return exportsOf(await import(pathToFileURL(require.resolve(name)).href))
  } catch {
    throw new BackendError(`${what} need Amazon's SDK, which is not installed: run npm install ${packages}`, {
      backend,
      kind: "setup",
      retryable: false,
      cause,
    })
  }
}
