import type { BackendError } from "../../../errors.ts"
import { sshError } from "./errors.ts"
import type { Identities } from "./identities.ts"
import type { HostSettings } from "./settings.ts"

/** What it means that a host could not be connected to, and what to do. */

type SshFailure = Error & { readonly level?: string; readonly code?: string | number }

export interface Tried {
  readonly identities: Identities
  /** Ways in that the host has: "publickey", "password", … */
  readonly methods: readonly string[]
}

export function connectError(error: SshFailure, settings: HostSettings, tried: Tried): BackendError {
  const { name, host, port, user } = settings
  const place = name === host && port === 22 ? name : `${name} (${host}, port ${port})`
  const { message, level, code } = error
  if (level === "client-authentication" || /Too many authentication/i.test(message))
    return sshError(
      "credentials",
      `${place} did not let ${user} in. ${whyNotIn(message, settings, tried)}`,
      error,
    )
  const meaning = byCode[String(code)] ?? byMessage(message, level, settings)
  return sshError("network", `${place} ${meaning}${meaning.endsWith("?") ? "" : "."}`, error)
}

const byCode: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    "refuses the connection: nothing listens on that port. Is sshd running there, and the port right?",
  ENOTFOUND: "has no address: its name is not known here. Is it spelled as in ~/.ssh/config?",
  EAI_AGAIN: "has no address: the name service does not answer",
  EHOSTUNREACH:
    "cannot be reached: no route leads there. Is it switched on, and this machine in its network?",
  ENETUNREACH: "cannot be reached: this machine has no network that leads there",
  ETIMEDOUT: "does not answer",
  EADDRNOTAVAIL:
    "cannot be connected to from the BindAddress of ssh_config: this machine has no such address",
}

function byMessage(message: string, level: string | undefined, { connectTimeoutMs }: HostSettings): string {
  if (level === "client-timeout") return `does not answer within ${connectTimeoutMs / 1000} s`
  if (/Connection lost before handshake|ECONNRESET/.test(message))
    return "closed the connection before it said who it is: it has too many at once (MaxStartups), or keeps this machine out"
  return `could not be connected to: ${message.replace(/\.$/, "")}`
}

function whyNotIn(message: string, settings: HostSettings, { identities, methods }: Tried): string {
  const { offers, left } = identities
  const parts: string[] = []
  if (methods.length > 0 && !methods.includes("publickey"))
    parts.push(`It takes no keys, only ${methods.join(", ")}; cellfan logs in with keys alone.`)
  else if (offers.length > 0)
    parts.push(
      `It was offered ${offers.map(({ what }) => what).join(", ")}. Is ${settings.user} the right user, and one of these keys in its ~/.ssh/authorized_keys? \`ssh-copy-id ${settings.port === 22 ? "" : `-p ${settings.port} `}${settings.user}@${settings.host}\` puts one there.`,
    )
  else if (left.length === 0)
    parts.push(
      `There is no key to offer: no agent has one, and none of ${settings.identityFiles.join(", ")} is there. \`ssh-keygen -t ed25519\` makes one.`,
    )
  if (/Too many/i.test(message))
    parts.push(
      "It cut the line before all keys were tried: name the right one with IdentityFile and set IdentitiesOnly yes.",
    )
  if (left.length > 0) parts.push(`Not offered: ${left.join("; ")}.`)
  if (settings.certificates)
    parts.push("CertificateFile of ssh_config is not used: cellfan takes plain keys.")
  return parts.join(" ")
}
