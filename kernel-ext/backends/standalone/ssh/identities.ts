import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { fingerprint } from "./host-key.ts"
import { type KeyAgent, loadSsh2, type ParsedKey, type Ssh2 } from "./sdk.ts"
import type { HostSettings } from "./settings.ts"

/** The keys that a host is offered, in OpenSSH's order: those an agent holds, then those in files. */
export interface Identities {
  readonly offers: readonly Offer[]
  /** Why others are not among them. */
  readonly left: readonly string[]
}

export type Offer =
  | { readonly what: string; readonly type: "agent"; readonly agent: KeyAgent }
  | { readonly what: string; readonly type: "publickey"; readonly key: Buffer }

export async function identitiesOf(settings: HostSettings): Promise<Identities> {
  const ssh2 = await loadSsh2()
  const found = await Promise.all(settings.identityFiles.map((file) => readKey(ssh2, file)))
  const files = found.filter((file) => file !== undefined)
  const { agent, keys, problem } = await keysOfAgent(ssh2, settings)
  const named = new Set(files.map(({ publicKey }) => publicKey))
  const isNamed = (key: ParsedKey) => named.has(inBase64(key))
  // A host cuts the line after a few keys: those that ssh_config names come first.
  const shown = keys.filter(isNamed)
  if (!settings.identitiesOnly) shown.push(...keys.filter((key) => !isNamed(key)))
  const held = new Set(shown.map(inBase64))
  const others = files.filter(({ publicKey }) => publicKey === undefined || !held.has(publicKey))
  const offers: Offer[] = others.flatMap(({ what, key }) =>
    key === undefined ? [] : [{ type: "publickey", key, what }],
  )
  if (agent !== undefined && shown.length > 0) {
    // It is this connection's own, and shows these keys alone.
    agent.getIdentities = (callback) => callback(null, shown)
    offers.unshift({ type: "agent", agent, what: shown.map(describe).join(", ") })
  }
  const left = others.flatMap((file) => (file.problem === undefined ? [] : [file.problem]))
  return { offers, left: problem === undefined ? left : [...left, problem] }
}

function inBase64(key: ParsedKey): string {
  return key.getPublicSSH().toString("base64")
}

function describe(key: ParsedKey): string {
  return `${key.comment || key.type} of the agent (${fingerprint(key.getPublicSSH())})`
}

interface KeyFile {
  readonly what: string
  /** As it stands there. */
  readonly key?: Buffer
  /** In base64; known of an encrypted key too, where its .pub stands beside it. */
  readonly publicKey?: string
  readonly problem?: string
}

/** Undefined where there is no such file: most of OpenSSH's defaults are not there. */
async function readKey({ utils }: Ssh2, file: string): Promise<KeyFile | undefined> {
  const text = await readFile(file).catch((error: NodeJS.ErrnoException) => error)
  if (text instanceof Error) {
    if (text.code === "ENOENT") return publicOnly(utils, file)
    return { what: file, problem: `${file} cannot be read: ${text.message}` }
  }
  const parsed = utils.parseKey(text)
  if (!(parsed instanceof Error)) {
    const publicKey = inBase64(parsed)
    if (!parsed.isPrivateKey()) return { what: file, publicKey }
    return { key: text, publicKey, what: `${file} (${fingerprint(parsed.getPublicSSH())})` }
  }
  const beside = (await publicOnly(utils, file))?.publicKey
  const problem = /encrypted|passphrase/i.test(parsed.message)
    ? `${file} is encrypted: give it to an agent (eval "$(ssh-agent)"; ssh-add ${file}) and start again`
    : `${file} is no private key that can be read: ${parsed.message}`
  return { what: file, problem, ...(beside !== undefined && { publicKey: beside }) }
}

/** An agent may hold the private key of a public one that stands here alone. */
async function publicOnly(utils: Ssh2["utils"], file: string): Promise<KeyFile | undefined> {
  const text = await readFile(`${file}.pub`).catch(() => undefined)
  const parsed = text === undefined ? undefined : utils.parseKey(text)
  return parsed === undefined || parsed instanceof Error
    ? undefined
    : { what: file, publicKey: inBase64(parsed) }
}

interface AgentKeys {
  readonly agent?: KeyAgent
  readonly keys: readonly ParsedKey[]
  readonly problem?: string
}

async function keysOfAgent(ssh2: Ssh2, { agentSocket }: HostSettings): Promise<AgentKeys> {
  if (agentSocket === undefined) return { keys: [] }
  try {
    const agent = ssh2.createAgent(agentSocket)
    const found = (await promisify(agent.getIdentities.bind(agent))()) ?? []
    const keys = found.flatMap((one) => {
      const parsed = ssh2.utils.parseKey(one as Parameters<Ssh2["utils"]["parseKey"]>[0])
      return parsed instanceof Error ? [] : [parsed]
    })
    return { agent, keys }
  } catch (error) {
    return { keys: [], problem: `the agent at ${agentSocket} does not answer: ${(error as Error).message}` }
  }
}
