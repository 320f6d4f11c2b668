import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { BackendError } from "../../../errors.ts"
import type { QueueAddress } from "../hosts.ts"
import type { QueueAccess } from "../queue/access.ts"
import { makeAuthority, type Signed } from "./certificate.ts"
import { agentCredentials, kernelCredentials, newPoolKeys, type PoolKeys } from "./credentials.ts"

/** Who may speak to a pool's server: made with the pool, and kept where only its owner reads it. */
export interface PoolIdentity {
  readonly backend: string
  readonly pool: string
  readonly authority: Signed
  readonly keys: PoolKeys
  /** Where the server was when it was last reached. */
  readonly address?: QueueAddress | undefined
}

/** As a kernel reaches it. */
export function kernelAccess({ authority, keys }: PoolIdentity, servers: readonly string[]): QueueAccess {
  const ca = authority.certificate
  return { servers, credentials: kernelCredentials(keys), ca, onlyNamed: true }
}

/** As agents reach it: they may take tasks, and say what became of them. */
export function agentAccess(
  { authority, keys, pool }: PoolIdentity,
  servers: readonly string[],
  validMs?: number,
): QueueAccess {
  const ca = authority.certificate
  return { servers, credentials: agentCredentials(pool, keys, validMs), ca, onlyNamed: true }
}

/** Where pools of this user are kept. */
function poolsFolder(): string {
  return join(homedir(), ".cellfan", "pools")
}

function fileOf(backend: string, pool: string): string {
  return join(poolsFolder(), `${backend}-${pool}.json`)
}

/** The pool's identity; made where there is none. */
export function poolIdentity(backend: string, pool: string): PoolIdentity {
  const known = readIdentity(fileOf(backend, pool))
  if (known?.keys !== undefined) return known
  const identity = {
    ...{ backend, pool, authority: makeAuthority(`cellfan pool ${pool}`) },
    keys: newPoolKeys(),
  }
  keepIdentity(identity)
  return identity
}

export function keepIdentity(identity: PoolIdentity): void {
  const file = fileOf(identity.backend, identity.pool)
  mkdirSync(poolsFolder(), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(identity), { mode: 0o600 })
  renameSync(temporary, file)
}

/** Its server is gone, with all that it kept. */
export function forgetIdentity(backend: string, pool: string): void {
  rmSync(fileOf(backend, pool), { force: true })
}

/** Pools of this user whose server was started by cellfan. */
export function knownPools(): PoolIdentity[] {
  if (!existsSync(poolsFolder())) return []
  return readdirSync(poolsFolder())
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => readIdentity(join(poolsFolder(), name)) ?? [])
    .filter(({ keys }) => keys !== undefined)
}

function readIdentity(file: string): PoolIdentity | undefined {
  if (!existsSync(file)) return undefined
  try {
    return JSON.parse(readFileSync(file, "utf8")) as PoolIdentity
  } catch (cause) {
    throw new BackendError(
      `${file} holds a pool's keys and cannot be read: ${(cause as Error).message}. Without it its server cannot be reached; delete the file to make a new one.`,
      { backend: "standalone", retryable: false, kind: "setup", cause },
    )
  }
}
