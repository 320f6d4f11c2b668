import { createHmac } from "node:crypto"
import { readFile } from "node:fs/promises"
import { sshError } from "./errors.ts"

/**
 * known_hosts: which key a host is to show.
 *
 * @see https://man.openbsd.org/sshd#SSH_KNOWN_HOSTS_FILE_FORMAT
 */
export interface KnownKey {
  /** "revoked": it must never be accepted. "authority": it signs keys of hosts and is none itself. */
  readonly kind: "key" | "revoked" | "authority"
  readonly type: string
  /** In base64. */
  readonly key: string
  /** "FILE:LINE". */
  readonly where: string
}

/** What known_hosts calls a host: its port shows where it is not 22. */
export function nameInKnownHosts(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`
}

/** All that the files have for a host. Files that are not there have nothing. */
export async function knownKeysOf(host: string, port: number, files: readonly string[]): Promise<KnownKey[]> {
  const found: KnownKey[] = []
  for (const file of files)
    for (const [at, line] of (await readLines(file)).entries()) {
      const entry = parseLine(line)
      if (entry === undefined) continue
      const kind = kinds[entry.marker]
      if (kind === undefined) continue
      // A key that is known without a port holds for all ports.
      const names = kind === "revoked" ? [...namesOf(host, port), "*"] : namesOf(host, port)
      if (!names.some((name) => matches(entry.names, name))) continue
      found.push({ kind, type: entry.type, key: entry.key, where: `${file}:${at + 1}` })
    }
  return found
}

const kinds: Readonly<Record<string, KnownKey["kind"]>> = {
  "": "key",
  "@revoked": "revoked",
  "@cert-authority": "authority",
}

function namesOf(host: string, port: number): string[] {
  return [...new Set([nameInKnownHosts(host, port), host.toLowerCase()])]
}

async function readLines(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "utf8")).split(/\r?\n/)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === "ENOENT" || code === "ENOTDIR") return []
    throw sshError("setup", `${file}, which says what hosts' keys are, cannot be read: ${message}`, cause)
  }
}

interface Line {
  readonly marker: string
  readonly names: string
  readonly type: string
  readonly key: string
}

function parseLine(line: string): Line | undefined {
  const parts = /^\s*(?:(@\S+)\s+)?([^\s#]\S*)\s+([a-z]\S*)\s+(\S+)/.exec(line)
  if (parts === null) return undefined
  const [, marker = "", names = "", type = "", key = ""] = parts
  return { marker, names, type, key }
}

/** Patterns, of which one that begins with "!" rules out; or one hashed name. */
function matches(patterns: string, name: string): boolean {
  if (patterns.startsWith("|1|")) return matchesHash(patterns, name)
  let found = false
  for (const pattern of patterns.toLowerCase().split(",")) {
    const isNot = pattern.startsWith("!")
    if (!toExpression(isNot ? pattern.slice(1) : pattern).test(name)) continue
    if (isNot) return false
    found = true
  }
  return found
}

function matchesHash(hashed: string, name: string): boolean {
  const [, , salt = "", hash = ""] = hashed.split("|")
  return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === hash
}

function toExpression(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&")
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`)
}

/** A name as a file with hashed names has it. */
export function hashName(name: string, salt: Buffer): string {
  return `|1|${salt.toString("base64")}|${createHmac("sha1", salt).update(name).digest("base64")}`
}
