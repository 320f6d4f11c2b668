import { BackendError } from "../errors.ts"
import { loadPackage } from "../util/load-package.ts"

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
export function loadSdk<T extends object>(
  name: string,
  importIt: () => Promise<T>,
  { backend, what, packages }: { readonly backend: string; readonly what: string; readonly packages: string },
): Promise<T> {
  process.env[quiet] ??= "true"
  return loadPackage(name, importIt, (cause) => {
    const message = `${what} need Amazon's SDK, which is not installed: run npm install ${packages}`
    return new BackendError(message, { backend, kind: "setup", retryable: false, cause })
  })
}
