import { homedir } from "node:os"
import { join } from "node:path"

/** Where this user's cached data of one kind is kept: what stands there may be deleted at any time. */
export function cacheFolder(kind: string): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "cellfan", kind)
}
