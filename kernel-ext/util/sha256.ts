import type { Hash } from "node:crypto"

/** Node's crypto takes some milliseconds to load, which every worker would pay at its start and few ever use. */
export function sha256(): Hash {
  return process.getBuiltinModule("node:crypto").createHash("sha256")
}
