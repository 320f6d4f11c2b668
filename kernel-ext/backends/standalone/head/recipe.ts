import type { HeadPlace, HeadRecipe } from "../hosts.ts"
import { makeServerCertificate } from "./certificate.ts"
import { authorization } from "./credentials.ts"
import type { PoolIdentity } from "./identity.ts"
import { serverProgram } from "./program.ts"

/**
 * A pool's own server: what it is started with, and how it is reached.
 *
 *     recipe.ts       its configuration
 *     identity.ts     a pool's keys, on the disk of its owner
 *     credentials.ts  who may speak to it, for how long and of what; nkeys.ts signs that
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
function configurationOf({ pool, keys }: PoolIdentity, { folder, port, listenAt }: HeadPlace): string {
  return `# The queue of the pool ${pool}, written by cellfan.
${listenAt === undefined ? "" : `host: "${listenAt}"\n`}port: ${port}
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
${authorization(pool, keys)}`
}
