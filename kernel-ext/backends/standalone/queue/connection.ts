import { BackendError, type BackendErrorKind } from "../../../errors.ts"
import { exportsOf } from "../../../util/exports-of.ts"
import { type QueueAccess, urlOf, withoutPassword } from "./access.ts"

/** A connection to the queue's server, and NATS' client libraries, loaded when they are first used. */

const importCore = async () => exportsOf(await import("@nats-io/transport-node"))
const importJetStream = async () => exportsOf(await import("@nats-io/jetstream"))
const importObjects = async () => exportsOf(await import("@nats-io/obj"))

export type NatsCore = Awaited<ReturnType<typeof importCore>>
export type NatsJetStream = Awaited<ReturnType<typeof importJetStream>>
export type NatsObjects = Awaited<ReturnType<typeof importObjects>>
export type NatsConnection = Awaited<ReturnType<NatsCore["connect"]>>
export type NatsMessage = Parameters<
  NonNullable<Parameters<NatsConnection["subscribe"]>[1]>["callback"] & object
>[1]
export type JetStreamClient = ReturnType<NatsJetStream["jetstream"]>
export type JetStreamManager = Awaited<ReturnType<NatsJetStream["jetstreamManager"]>>
export type ObjectStore = Awaited<ReturnType<InstanceType<NatsObjects["Objm"]>["open"]>>

/** How soon a dead link is noticed: after two of these. */
const pingMs = 3000

/** Between tries to connect again. */
const reconnectMs = 250

export async function natsLibraries() {
  const [core, jetstream, objects] = await Promise.all([importCore(), importJetStream(), importObjects()])
  return { core, jetstream, objects }
}

/**
 * Connects; and from then on, again after every loss, for as long as it is not closed.
 *
 * @param patient Whether the first connection is tried for ever, too.
 * @throws BackendError where no server can be reached or it does not let us in.
 */
export async function connect(
  access: QueueAccess,
  { name, patient = false }: { name: string; patient?: boolean },
): Promise<NatsConnection> {
  const core = await importCore()
  const { servers, ca } = access
  const urls = servers.map(urlOf)
  const withTls = ca !== undefined || urls.some(({ protocol }) => protocol === "tls:")
  try {
    return await core.connect({
      servers: urls.map(({ host }) => host),
      name,
      ...authenticationOf(core, access, urls[0]),
      ...(withTls && { tls: ca === undefined ? {} : { ca } }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectMs,
      pingInterval: pingMs,
      maxPingOut: 2,
      ignoreClusterUpdates: access.onlyNamed === true,
      waitOnFirstConnect: patient,
      // Credentials that have expired stay so.
      ignoreAuthErrorAbort: false,
      ...(patient && { timeout: 10_000 }),
    })
  } catch (error) {
    throw tellConnect(error, servers)
  }
}

function authenticationOf(core: NatsCore, access: QueueAccess, url: URL | undefined) {
  const { credentials } = access
  if (credentials !== undefined) {
    const text = typeof credentials === "string" ? () => credentials : credentials
    return { authenticator: core.credsAuthenticator(() => new TextEncoder().encode(text())) }
  }
  if (access.token !== undefined) return { token: access.token }
  const user = access.user ?? decodeURIComponent(url?.username ?? "")
  const password = access.password ?? decodeURIComponent(url?.password ?? "")
  if (user !== "" && password === "") return { token: user }
  return user === "" ? {} : { user, pass: password }
}

function tellConnect(error: unknown, servers: readonly string[]): BackendError {
  if (error instanceof BackendError) return error
  const where = servers.map(withoutPassword).join(", ")
  const { message, kind } = reasonOf(error as Error)
  return new BackendError(`The queue's server at ${where} ${message}`, {
    ...{ backend: "nats", retryable: kind === "network", kind, cause: error },
  })
}

function reasonOf(error: Error): { message: string; kind: BackendErrorKind } {
  const text = `${error.message} ${String((error as { cause?: unknown }).cause ?? "")}`
  if (/authorization|authentication|expired/i.test(text))
    return {
      kind: "credentials",
      message: `did not let us in (${error.message}). Give a user and password in its URL, or a file of credentials.`,
    }
  if (/certificate|self.signed|TLS|tls|altname/.test(text))
    return {
      kind: "network",
      message: `could not be reached by TLS (${error.message}). Name the PEM file of the authority that signed its certificate.`,
    }
  return {
    kind: "network",
    message: `cannot be reached: ${error.message}. Is it running, and does a firewall let it be reached from here?`,
  }
}
