import { readFile } from "node:fs/promises"
import { ConfigError } from "../../../errors.ts"

/** How people name hosts: "a", "user@b:2222", "[fe80::1]:22", "ssh://user@c"; the host may be an alias of ssh_config. */

export interface Target {
  /** As it was written. */
  readonly name: string
  readonly host: string
  readonly user?: string
  readonly port?: number
}

/** @throws ConfigError with what is wrong with which of them. */
export function parseTargets(names: readonly string[], key = "hosts"): Target[] {
  const targets = names.flatMap((one) => one.split(",")).map((one) => parseTarget(one.trim(), key))
  const seen = new Set<string>()
  for (const { name } of targets) {
    if (seen.has(name))
      throw wrong(key, `names ${name} twice; one agent runs on a host, with a worker for each processor`)
    seen.add(name)
  }
  return targets
}

const form = "[user@]host[:port], an alias of ~/.ssh/config, or an IPv6 address in brackets"

export function parseTarget(name: string, key = "hosts"): Target {
  const parts =
    /^(?:ssh:\/\/)?(?:(?<user>[^@]+)@)?(?:\[(?<six>[^\]]+)\]|(?<host>[^:@/]+|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.%a-z]*))(?::(?<port>\d+))?\/?$/i.exec(
      name,
    )?.groups
  const host = parts?.host ?? parts?.six
  if (host === undefined || /[\s'"`$;|&<>\\]/.test(name))
    throw wrong(key, `has ${name === "" ? "an empty name" : JSON.stringify(name)} in it; each is ${form}`)
  // What begins with a dash would be an option of the programs that get it.
  if (/^-/.test(host) || /^-/.test(parts?.user ?? ""))
    throw wrong(key, `has ${JSON.stringify(name)} in it: neither host nor user begins with a dash`)
  const port = parts?.port === undefined ? undefined : Number(parts.port)
  if (port !== undefined && (port < 1 || port > 65_535))
    throw wrong(key, `has ${name} in it: port ${port} is not between 1 and 65535`)
  return {
    name,
    host,
    ...(parts?.user !== undefined && { user: parts.user }),
    ...(port !== undefined && { port }),
  }
}

/** A host a line; "#" begins a comment. @throws ConfigError where the file cannot be read or names none. */
export async function readHostsFile(file: string): Promise<string[]> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (cause) {
    const { message } = cause as Error
    throw new ConfigError(
      `hostsFile ${file} cannot be read: ${message}. It has one host a line, each ${form}.`,
      {
        key: "hostsFile",
        cause,
      },
    )
  }
  const names = text
    .split(/\r?\n/)
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "")
  if (names.length === 0) throw wrong("hostsFile", `${file} names no host; it has one a line, each ${form}`)
  return names
}

function wrong(key: string, what: string): ConfigError {
  return new ConfigError(`Option \`${key}\` ${what}.`, { key })
}
