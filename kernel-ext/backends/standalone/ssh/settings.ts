import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { hostname, userInfo } from "node:os"
import { promisify } from "node:util"
import { sshError } from "./errors.ts"
import { parseTarget, type Target } from "./targets.ts"

/**
 * What ssh_config says of a host. OpenSSH itself is asked (`ssh -G`): Include, Match, patterns, canonical names and what
 * else stands in people's files mean here what they mean to `ssh`.
 */
export interface HostSettings {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly identityFiles: readonly string[]
  /** Whether only these are offered, of all that an agent has. */
  readonly identitiesOnly: boolean
  readonly certificates: boolean
  /** Socket of the agent that holds keys. */
  readonly agentSocket: string | undefined
  /** Under which name known_hosts has it. */
  readonly keyName: string
  /** The first is where a new key is noted. */
  readonly knownHostsFiles: readonly string[]
  readonly acceptNewKeys: boolean
  readonly hashNames: boolean
  /** Hosts it is reached through, the first one first. */
  readonly jumps: readonly Target[]
  readonly proxyCommand: string | undefined
  readonly connectTimeoutMs: number
  readonly family: 4 | 6 | undefined
  readonly localAddress: string | undefined
}

/** What stands above ssh_config, as ssh's own options do. */
export interface SettingsSources {
  /** In place of ~/.ssh/config and the system's. */
  readonly sshConfigFile?: string | undefined
  readonly sshUser?: string | undefined
  /** A private key, before those of ssh_config. */
  readonly sshKeyFile?: string | undefined
}

const run = promisify(execFile)

const defaultTimeoutMs = 15_000

export async function settingsOf(target: Target, sources: SettingsSources): Promise<HostSettings> {
  return read(target, await askSsh(target, sources), sources.sshKeyFile)
}

async function askSsh(target: Target, sources: SettingsSources): Promise<Map<string, string[]>> {
  const user = target.user ?? sources.sshUser
  const args = [
    "-G",
    ...(sources.sshConfigFile === undefined ? [] : ["-F", sources.sshConfigFile]),
    ...(user === undefined ? [] : ["-l", user]),
    ...(target.port === undefined ? [] : ["-p", String(target.port)]),
    "--",
    target.host,
  ]
  try {
    const { stdout } = await run("ssh", args, { timeout: 30_000 })
    return parse(stdout)
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { stderr?: string }
    const what =
      code === "ENOENT"
        ? "Hosts by SSH need OpenSSH's client on this machine, which reads ssh_config, and there is none: install it (apt-get install openssh-client)."
        : `ssh_config cannot be read for ${target.name}; \`ssh -G ${target.host}\` says: ${(stderr ?? "").trim() || (cause as Error).message}`
    throw sshError("setup", what, cause)
  }
}

function parse(text: string): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const line of text.split(/\r?\n/)) {
    const [, key = "", value = ""] = /^(\S+)\s*(.*)$/.exec(line) ?? []
    found.set(key, [...(found.get(key) ?? []), value])
  }
  return found
}

function read(target: Target, said: Map<string, string[]>, keyFile: string | undefined): HostSettings {
  const one = (key: string) => said.get(key)?.[0]
  const unlessNone = (key: string) => (one(key) === "none" ? undefined : one(key))
  const names = {
    alias: target.host,
    host: one("hostname") ?? target.host,
    port: Number(one("port") ?? 22),
    user: one("user") ?? userInfo().username,
  }
  const keyName = one("hostkeyalias") ?? names.host
  const fill = (text: string) => fillIn(text, { ...names, keyName })
  const timeoutS = Number(one("connecttimeout"))
  const family = one("addressfamily")
  const strict = one("stricthostkeychecking") ?? "ask"
  return {
    name: target.name,
    host: names.host,
    port: names.port,
    user: names.user,
    identityFiles: [
      ...(keyFile === undefined ? [] : [keyFile]),
      ...(said.get("identityfile") ?? []).filter((file) => file !== "none"),
    ].map(fill),
    identitiesOnly: one("identitiesonly") === "yes",
    certificates: said.has("certificatefile"),
    agentSocket: agentOf(one("identityagent"), fill),
    keyName,
    knownHostsFiles: ["userknownhostsfile", "globalknownhostsfile"]
      .flatMap((key) => words(unlessNone(key) ?? ""))
      .map(fill),
    acceptNewKeys: ["accept-new", "no", "off", "false"].includes(strict),
    hashNames: one("hashknownhosts") === "yes",
    jumps: jumpsOf(unlessNone("proxyjump")),
    proxyCommand: unlessNone("proxycommand"),
    connectTimeoutMs: timeoutS > 0 ? timeoutS * 1000 : defaultTimeoutMs,
    family: family === "inet" ? 4 : family === "inet6" ? 6 : undefined,
    localAddress: one("bindaddress"),
  }
}

function jumpsOf(text: string | undefined): Target[] {
  return text === undefined ? [] : text.split(",").map((name) => parseTarget(name, "ProxyJump"))
}

function agentOf(named: string | undefined, fill: (text: string) => string): string | undefined {
  if (named === "none") return undefined
  if (named === undefined || named === "SSH_AUTH_SOCK") return process.env.SSH_AUTH_SOCK || undefined
  const variable = /^\$(\w+)$/.exec(named)?.[1]
  return variable === undefined ? fill(named) : process.env[variable] || undefined
}

interface Names {
  readonly alias: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly keyName: string
}

/** `~`, `${VARIABLE}` and tokens such as `%h`, which `ssh -G` leaves as they are. @see https://man.openbsd.org/ssh_config#TOKENS */
export function fillIn(text: string, names: Names): string {
  const me = userInfo()
  const local = hostname()
  const tokens: Readonly<Record<string, string | number>> = {
    "%": "%",
    d: me.homedir,
    h: names.host,
    i: me.uid,
    j: "",
    k: names.keyName,
    L: local.split(".")[0] ?? local,
    l: local,
    n: names.alias,
    p: names.port,
    r: names.user,
    u: me.username,
    C: createHash("sha1").update(`${local}${names.host}${names.port}${names.user}`).digest("hex"),
  }
  return atHome(text)
    .replace(/\$\{(\w+)\}/g, (whole, name: string) => process.env[name] ?? whole)
    .replace(/%(.)/g, (whole, token: string) => String(tokens[token] ?? whole))
}

/** A path with its `~`. */
export function atHome(path: string): string {
  return path.replace(/^~(?=\/|$)/, userInfo().homedir)
}

/** Separated by spaces; what holds one stands in quotes. */
function words(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")
}
