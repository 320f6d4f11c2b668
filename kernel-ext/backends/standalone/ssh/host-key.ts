import { createHash, randomBytes } from "node:crypto"
import { appendFile, mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import type { BackendError } from "../../../errors.ts"
import { sshError } from "./errors.ts"
import { hashName, type KnownKey, knownKeysOf, nameInKnownHosts } from "./known-hosts.ts"
import type { HostSettings } from "./settings.ts"

/** Whether the key that a host shows is the one it is known by, and what to do where it is not. */

/** As `ssh` and `ssh-keygen -l` show it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`
}

/** "ssh-ed25519", …: it stands within the key. */
export function typeOf(key: Buffer): string {
  return key.toString("latin1", 4, 4 + key.readUInt32BE(0))
}

export class HostKeyCheck {
  readonly #settings: HostSettings
  readonly #known: readonly KnownKey[]
  /** Why a key was refused. */
  error: BackendError | undefined

  private constructor(settings: HostSettings, known: readonly KnownKey[]) {
    this.#settings = settings
    this.#known = known
  }

  static async of(settings: HostSettings): Promise<HostKeyCheck> {
    const { keyName, port, knownHostsFiles } = settings
    return new HostKeyCheck(settings, await knownKeysOf(keyName, port, knownHostsFiles))
  }

  /** Algorithms in which the host is to be asked for its key: those of known keys first, so that it shows one of these. */
  order(supported: readonly string[]): string[] {
    const known = this.#known.filter(({ kind }) => kind === "key").map(({ type }) => type)
    const isKnown = (algorithm: string) =>
      known.includes(algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm)
    return [...supported.filter(isKnown), ...supported.filter((algorithm) => !isKnown(algorithm))]
  }

  /** Whether to go on. Where not, `error` says why. */
  async accepts(key: Buffer): Promise<boolean> {
    const text = key.toString("base64")
    const same = this.#known.filter((known) => known.key === text)
    const keys = this.#known.filter(({ kind }) => kind === "key")
    if (same.some(({ kind }) => kind === "revoked")) this.error = this.#revoked(key, same)
    else if (same.some(({ kind }) => kind === "key")) return true
    else if (keys.length > 0) this.error = this.#changed(key, keys)
    else if (this.#known.some(({ kind }) => kind === "authority")) this.error = this.#certified(key)
    else if (this.#settings.acceptNewKeys) return this.#note(key)
    else this.error = this.#unknown(key)
    return false
  }

  async #note(key: Buffer): Promise<true> {
    const [file] = this.#settings.knownHostsFiles
    if (file === undefined) return true
    const name = nameInKnownHosts(this.#settings.keyName, this.#settings.port)
    const shown = this.#settings.hashNames ? hashName(name, randomBytes(20)) : name
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await appendFile(file, `${shown} ${typeOf(key)} ${key.toString("base64")}\n`, { mode: 0o600 })
    return true
  }

  #unknown(key: Buffer): BackendError {
    return sshError(
      "setup",
      `The key of ${this.#place} is not known. It shows ${describe(key)}. Compare that with what the host's owner says (there: \`ssh-keygen -lf /etc/ssh/ssh_host_${shortType(key)}_key.pub\`); if it is the same, add it: ${this.#adding(key)}`,
    )
  }

  #changed(key: Buffer, keys: readonly KnownKey[]): BackendError {
    const name = nameInKnownHosts(this.#settings.keyName, this.#settings.port)
    const known = keys
      .map(({ key, where }) => `${describe(Buffer.from(key, "base64"))} in ${where}`)
      .join(", ")
    const file = keys[0]?.where.replace(/:\d+$/, "") ?? ""
    return sshError(
      "setup",
      `The key of ${this.#place} has changed, or somebody stands between: it shows ${describe(key)} and is known by ${known}. If its owner confirms the new one, remove the old: ssh-keygen -R ${quote(name)} -f ${quote(file)}; then add the new: ${this.#adding(key)}`,
    )
  }

  #revoked(key: Buffer, keys: readonly KnownKey[]): BackendError {
    const where = keys.find(({ kind }) => kind === "revoked")?.where
    return sshError(
      "setup",
      `The key of ${this.#place}, ${describe(key)}, is marked as @revoked in ${where}: it must not be trusted any more. The host needs a new one.`,
    )
  }

  #certified(key: Buffer): BackendError {
    const where = this.#known.find(({ kind }) => kind === "authority")?.where
    return sshError(
      "setup",
      `${this.#place} is known by a certificate authority only (@cert-authority in ${where}), and cellfan cannot check certificates of hosts. It shows ${describe(key)}; if that is right, add it beside: ${this.#adding(key)}`,
    )
  }

  #adding(key: Buffer): string {
    const { keyName, port, knownHostsFiles } = this.#settings
    const line = `${nameInKnownHosts(keyName, port)} ${typeOf(key)} ${key.toString("base64")}`
    return `echo ${quote(line)} >> ${quote(knownHostsFiles[0] ?? "~/.ssh/known_hosts")}`
  }

  get #place(): string {
    const { name, host, port } = this.#settings
    const address = nameInKnownHosts(host, port)
    return name === address ? name : `${name} (${address})`
  }
}

/** "ED25519 key SHA256:…". */
function describe(key: Buffer): string {
  return `${shortType(key).toUpperCase()} key ${fingerprint(key)}`
}

function shortType(key: Buffer): string {
  return typeOf(key)
    .replace(/^ssh-/, "")
    .replace(/-sha2-.*/, "")
}

/** For a shell, where it needs to be. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
