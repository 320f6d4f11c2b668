import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../util/paths.mjs"
import { capture, npm } from "../util/run.mjs"
import { Refusal, step } from "../util/say.mjs"

/** Installs the npm packages of package-lock.json where node_modules holds others. */
export async function installPackages() {
  if (packagesMatchLock()) return
  await step("Install npm packages", async () => {
    // `ci` throws node_modules away, which is right only where there is nothing in use.
    const verb = existsSync(join(root, "node_modules")) ? ["install", "--no-save"] : ["ci"]
    const [command, args] = npm([...verb, "--no-audit", "--no-fund", "--loglevel=error"])
    const { code, output } = await capture(command, args)
    if (code !== 0) throw refusalOf(output)
  })
}

/** Whether what npm noted as installed is what the lock file asks for. Packages for other platforms may be missing. */
function packagesMatchLock() {
  const installed = packagesOf("node_modules/.package-lock.json")
  const wanted = packagesOf("package-lock.json")
  if (installed === undefined) return false
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
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
