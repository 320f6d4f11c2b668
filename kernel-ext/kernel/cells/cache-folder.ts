import { homedir } from "node:os"
import { join } from "node:path"

/** Where the user's programs keep what they can make again. */
export function userCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = environment
  if (process.platform === "win32")
    return join(LOCALAPPDATA || join(homedir(), "AppData", "Local"), "cellfan", "Cache")
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "cellfan")
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "cellfan")
}
