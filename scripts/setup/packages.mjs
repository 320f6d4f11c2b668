import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../util/paths.mjs"
import { capture, npm } from "../util/run.mjs"
import { Refusal, step } from "../util/say.mjs"

const quietly = ["--no-audit", "--no-fund", "--loglevel=error"]

/** npm's own patience would leave somebody without a network waiting for two minutes. */
const impatiently = ["--fetch-retries=1", "--fetch-retry-mintimeout=2000", "--fetch-retry-maxtimeout=5000"]

/** Installs the npm packages of package-lock.json where node_modules holds others. */
export async function installPackages(signal) {
  const installed = packagesInstalled()
  if (installed !== undefined && packagesMatchLock(installed)) return
  await step("Install npm packages", async () => {
    // `ci` throws node_modules away, which is right where there is none, or half of one, and not where one is in use.
    const verb = installed === undefined ? ["ci"] : ["install", "--no-save"]
    const [command, args] = npm([...verb, ...quietly, ...impatiently])
    const { code, output } = await capture(command, args, { signal, killSignal: "SIGKILL" })
    if (code !== 0) throw refusalOf(output)
  })
}

/** What npm noted as installed; undefined where that is nothing, or part of it is gone. */
function packagesInstalled() {
  const noted = packagesOf("node_modules/.package-lock.json")
  const isThere = (path) => existsSync(join(root, path, "package.json"))
  return noted !== undefined && Object.keys(noted).every(isThere) ? noted : undefined
}

/** Whether what is installed is what the lock file asks for. Packages for other platforms may be missing. */
function packagesMatchLock(installed) {
  return Object.entries(packagesOf("package-lock.json")).every(([path, { version, optional, link }]) => {
    if (!path.startsWith("node_modules/") && !path.includes("/node_modules/")) return true
    if (installed[path] === undefined) return optional === true
    return link === true || installed[path].version === version
  })
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(join(root, lockFile), "utf8")).packages
  } catch {
    return undefined
  }
}

const networkErrors =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|network/

function refusalOf(output) {
  if (!networkErrors.test(output)) return new Refusal(`npm could not install the packages:\n${output.trim()}`)
  return new Refusal(
    "npm cannot reach its registry: check the network or the proxy (npm config get registry) and start again.",
  )
}
