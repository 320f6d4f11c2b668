import { QueueNames } from "../../../protocol/queue.ts"
import type { HeadPlace, HeadRecipe } from "../hosts.ts"
import { makeServerCertificate } from "./certificate.ts"
import { agentUser, kernelUser, type PoolIdentity } from "./identity.ts"
import { serverProgram } from "./program.ts"

/**
 * A pool's own server: what it is started with, and how it is reached.
 *
 *     recipe.ts       its configuration
 *     identity.ts     who may speak to it
 *     certificate.ts  so that both sides know each other
 *     program.ts      nats-server itself
 */

export function headRecipe(
  identity: PoolIdentity,
  options: { readonly natsServer?: string | undefined; readonly say: (text: string) => void },
): HeadRecipe {
  const { pool } = identity
  return {
    pool,
    server: (platform) => serverProgram(platform, { named: options.natsServer, say: options.say }),
    files: (place) => {
      const { certificate, key } = makeServerCertificate(identity.authority, place.addresses)
      return {
        "nats.conf": configurationOf(identity, place),
        "server.pem": certificate,
        "server-key.pem": key,
      }
    },
  }
}

/** What is accepted is on disk before it is acknowledged, so that a server that is killed loses nothing. */
function configurationOf(
  { pool, kernelPassword, agentPassword }: PoolIdentity,
  { folder, port }: HeadPlace,
): string {
  const { publish, subscribe } = agentRights(pool)
  const list = (subjects: readonly string[]): string =>
    `[${subjects.map((one) => JSON.stringify(one)).join(", ")}]`
  return `# The queue of the pool ${pool}, written by cellfan.
port: ${port}
server_name: "cellfan-${pool}"
max_payload: 1MB
# Dead links are noticed in some seconds.
ping_interval: "5s"
ping_max: 2
write_deadline: "10s"
jetstream {
  store_dir: "${folder}/data"
  sync_interval: always
}
tls {
  cert_file: "${folder}/server.pem"
  key_file: "${folder}/server-key.pem"
  timeout: 10
}
authorization {
  timeout: 10
  users: [
    { user: "${kernelUser}", password: "${kernelPassword}" }
    {
      user: "${agentUser}", password: "${agentPassword}"
      permissions: {
        publish: ${list(publish)}
        subscribe: ${list(subscribe)}
      }
    }
  ]
}
`
}

/** Agents cannot queue tasks, give orders or read what other pools keep. */
function agentRights(pool: string): { publish: string[]; subscribe: string[] } {
  const names = new QueueNames(pool)
  const { tasks, results, consumer } = names
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
    `$JS.API.CONSUMER.INFO.${tasks}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${tasks}.${consumer}`,
    `$JS.ACK.${tasks}.${consumer}.>`,
    ...reads,
    `$JS.API.STREAM.PURGE.${objects}`,
    `$O.${names.objects}.>`,
    "$JS.FC.>",
    // Asked before an object is read or written.
    "$JS.API.INFO",
  ]
  return { publish, subscribe: ["_INBOX.>", names.orders] }
}
