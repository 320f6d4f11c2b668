import { readFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { BackendError } from "../../errors.ts"

/** How an OpenWhisk is reached. What is not said is found as its own tool, `wsk`, finds it. */
export interface OpenWhiskAccess {
  /** URL of the API host. */
  readonly endpoint?: string | undefined
  /** "NAME:PASSWORD", called when it is needed, so that it stands nowhere else. */
  readonly apiKey?: (() => string) | undefined
  /** Whether a certificate is taken as it is. */
  readonly insecure?: boolean | undefined
  readonly namespace?: string | undefined
  /** How long an answer may take that has begun (default: 30 000). */
  readonly readMs?: number | undefined
}

export interface FoundAccess {
  readonly endpoint: string
  readonly key: string
  readonly insecure: boolean
  /** "_" is the one that belongs to the key. */
  readonly namespace: string
  readonly readMs: number
}

/** Answers have a megabyte at most. */
const usualReadMs = 30_000

/** @throws BackendError where it is not known where OpenWhisk is, or by which key. */
export function findAccess(access: OpenWhiskAccess): FoundAccess {
  const file = process.env.WSK_CONFIG_FILE ?? join(homedir(), ".wskprops")
  const properties = propertiesIn(file)
  const host = access.endpoint ?? properties.get("APIHOST")
  if (host === undefined)
    throw notFound("setup", "URL of its API host", `APIHOST in ${file}, or option \`endpoint\``)
  const key = access.apiKey?.() ?? properties.get("AUTH")
  if (key === undefined)
    throw notFound(
      "credentials",
      "key",
      `AUTH in ${file} (\`wsk property get --auth\` shows it), or \`apiKey\` in the section openwhisk of the configuration`,
    )
  if (!/^[^:\s]+:\S+$/.test(key))
    throw notFound("credentials", "valid key", "NAME:PASSWORD, as `wsk property get --auth` shows it")
  return {
    endpoint: (/^https?:\/\//.test(host) ? host : `https://${host}`).replace(/\/$/, ""),
    key,
    insecure: access.insecure ?? /^(true|1|yes)$/i.test(properties.get("INSECURE_SSL") ?? ""),
    namespace: access.namespace ?? properties.get("NAMESPACE") ?? "_",
    readMs: access.readMs ?? usualReadMs,
  }
}

/** What `wsk` keeps: NAME=VALUE, a line each. */
function propertiesIn(file: string): Map<string, string> {
  let text = ""
  try {
    text = readFileSync(file, "utf8")
  } catch {
    // Who says all in options needs none.
  }
  const pairs = text.split("\n").map((line) => /^\s*([A-Z_]+)\s*=\s*(.*?)\s*$/.exec(line))
  return new Map(pairs.flatMap((pair) => (pair?.[2] ? [[pair[1] ?? "", pair[2]] as const] : [])))
}

function notFound(kind: "setup" | "credentials", what: string, where: string): BackendError {
  return new BackendError(`Tasks on OpenWhisk need the ${what}: ${where}.`, {
    ...{ backend: "openwhisk", kind, retryable: false },
  })
}
