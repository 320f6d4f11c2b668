import { lanes, QueueNames } from "../../../protocol/queue.ts"
import { type KeyKind, newSeed, publicKeyOf, signedWord } from "./nkeys.ts"

/**
 * Who may do what at a pool's own server. Each pool has an operator and an account of its own: what the account's key has signed is let in
 * there, as long as that says, and nowhere else.
 */

/** Seeds of the keys that vouch for others; whoever has them is the pool's owner. */
export interface PoolKeys {
  readonly operator: string
  readonly account: string
}

export function newPoolKeys(): PoolKeys {
  return { operator: newSeed("operator"), account: newSeed("account") }
}

/** So long is let in who was let in once; kernels hold the pool's keys, and give themselves new ones. */
export const kernelValidMs = 24 * 60 * 60 * 1000

/** Agents are given new ones by kernels; one that nobody gives any ends before. */
export const agentValidMs = 24 * 60 * 60 * 1000

const unlimited = -1

/** What a server is configured with, so that it knows the pool's users by itself. */
export function authorization(pool: string, { operator, account }: PoolKeys): string {
  const word = (kind: KeyKind, name: string, subject: string, nats: object) =>
    signedWord({ name, subject, nats: { ...nats, type: kind, version: 2 } }, operator)
  const [operatorKey, accountKey, systemKey] = [operator, account, newSeed("account")].map(publicKeyOf) as [
    string,
    string,
    string,
  ]
  const limits = {
    ...{ subs: unlimited, data: unlimited, payload: unlimited, imports: unlimited, exports: unlimited },
    ...{ wildcards: true, conn: unlimited, leaf: unlimited },
  }
  const storage = {
    ...{ mem_storage: unlimited, disk_storage: unlimited, streams: unlimited, consumer: unlimited },
  }
  const rights = { default_permissions: { pub: {}, sub: {} } }
  return `operator: ${word("operator", `cellfan pool ${pool}`, operatorKey, {})}
system_account: ${systemKey}
resolver: MEMORY
resolver_preload {
  ${accountKey}: ${word("account", pool, accountKey, { limits: { ...limits, ...storage }, ...rights })}
  ${systemKey}: ${word("account", "system", systemKey, { limits, ...rights })}
}
`
}

/** For a kernel: all that there is in the pool. Asked for at each connection, more than once: these are for the same user. */
export function kernelCredentials(keys: PoolKeys): () => string {
  let text = ""
  let freshUntilMs = 0
  return () => {
    if (Date.now() > freshUntilMs) {
      text = credentials("kernel", keys, kernelValidMs, {})
      freshUntilMs = Date.now() + kernelValidMs / 2
    }
    return text
  }
}

/** For agents: they may take tasks, and say what became of them. */
export function agentCredentials(pool: string, keys: PoolKeys, validMs = agentValidMs): string {
  const { publish, subscribe } = agentRights(pool)
  return credentials("agent", keys, validMs, { pub: { allow: publish }, sub: { allow: subscribe } })
}

/** In the form of NATS' own files. */
function credentials(name: string, { account }: PoolKeys, validMs: number, rights: object): string {
  const seed = newSeed("user")
  const nats = { ...{ subs: unlimited, data: unlimited, payload: unlimited }, pub: {}, sub: {}, ...rights }
  const word = signedWord(
    {
      ...{ name, subject: publicKeyOf(seed), expiresAtMs: Date.now() + validMs },
      nats: { ...nats, type: "user", version: 2 },
    },
    account,
  )
  return `-----BEGIN NATS USER JWT-----\n${word}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`
}

/** Agents cannot queue tasks, give orders or read what other pools keep. */
function agentRights(pool: string): { publish: string[]; subscribe: string[] } {
  const names = new QueueNames(pool)
  const { tasks, results } = names
  const objects = `OBJ_${names.objects}`
  const reads = [results, objects].flatMap((stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.DIRECT.GET.${stream}.>`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.ACK.${stream}.>`,
  ])
  const publish = [
    `cellfan.${pool}.result.>`,
    `cellfan.${pool}.live.*`,
    names.agents,
    ...lanes.flatMap((lane) => [
      `$JS.API.CONSUMER.INFO.${tasks}.${lane}`,
      `$JS.API.CONSUMER.MSG.NEXT.${tasks}.${lane}`,
      `$JS.ACK.${tasks}.${lane}.>`,
    ]),
    ...reads,
    `$JS.API.STREAM.PURGE.${objects}`,
    `$O.${names.objects}.>`,
    "$JS.FC.>",
    // Asked before an object is read or written.
    "$JS.API.INFO",
  ]
  return { publish, subscribe: ["_INBOX.>", names.orders] }
}
