import type { Duplex, Readable } from "node:stream"
import { connectError } from "./connect-error.ts"
import { sshError } from "./errors.ts"
import { HostKeyCheck } from "./host-key.ts"
import { type Identities, identitiesOf } from "./identities.ts"
import { type Channel, type Client, loadSsh2 } from "./sdk.ts"
import type { HostSettings } from "./settings.ts"
import { type Ended, type Shell, toldBy } from "./shell.ts"

/** One connection to a host that has shown its key and let us in. */

type ConnectConfig = Parameters<Client["connect"]>[0]
type HostKeyAlgorithms = NonNullable<NonNullable<ConnectConfig["algorithms"]>["serverHostKey"]>

/** A dead link is noticed after three of these. */
const keepaliveMs = 5000

const hostKeyAlgorithms = [
  ...["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  ...["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"],
]

/** Why a channel was not opened. @see https://datatracker.ietf.org/doc/html/rfc4254#section-5.1 */
const administrativelyProhibited = 1

/** What a login shell may take before it does what it was asked. */
const scriptMs = 120_000

export class Connection implements Shell {
  readonly settings: HostSettings
  /** Resolves, never rejects, with the reason. */
  readonly closed: Promise<string>
  readonly #client: Client
  #incoming: ((port: number, open: () => Duplex) => void) | undefined

  private constructor(settings: HostSettings, client: Client) {
    this.settings = settings
    this.#client = client
    let reason = "the connection was closed"
    client.on("error", (error) => {
      reason = error.message === "Keepalive timeout" ? "it does not answer" : error.message
    })
    this.closed = new Promise((resolve) => client.once("close", () => resolve(reason)))
    client.on("tcp connection", ({ destPort }, accept) => this.#incoming?.(destPort, accept))
  }

  /** @param way What the connection runs in, where it is not a socket of its own. @throws BackendError that says what to do. */
  static async open(settings: HostSettings, signal: AbortSignal, way?: Duplex): Promise<Connection> {
    const [{ Client }, check, identities] = await Promise.all([
      loadSsh2(),
      HostKeyCheck.of(settings),
      identitiesOf(settings),
    ])
    signal.throwIfAborted()
    const client = new Client()
    // What breaks may break twice, and the first time is the one that is told.
    client.on("error", () => {})
    const stop = () => client.destroy()
    signal.addEventListener("abort", stop, { once: true })
    const methods = new Set<string>()
    try {
      await new Promise<void>((resolve, reject) => {
        client.once("ready", resolve)
        client.once("error", reject)
        client.once("close", () => reject(signal.reason ?? new Error("Connection lost before handshake")))
        client.connect({
          ...configOf(settings, check, identities, methods),
          ...(way !== undefined && { sock: way }),
        })
      })
    } catch (error) {
      client.destroy()
      way?.destroy()
      signal.throwIfAborted()
      throw check.error ?? connectError(error as Error, settings, { identities, methods: [...methods] })
    } finally {
      signal.removeEventListener("abort", stop)
    }
    client.removeAllListeners("close")
    return new Connection(settings, client)
  }

  /** Runs a command of the login shell, whichever that is; `input` is its standard input. */
  async exec(command: string, input: string | Readable, timeoutMs?: number): Promise<Ended> {
    const channel = await new Promise<Channel>((resolve, reject) =>
      this.#client.exec(command, (error, stream) => (error ? reject(error) : resolve(stream))),
    )
    return new Promise((resolve, reject) => {
      const [out, err]: [string[], string[]] = [[], []]
      channel.setEncoding("utf8").on("data", (text: string) => out.push(text))
      channel.stderr.setEncoding("utf8").on("data", (text: string) => err.push(text))
      const late = setTimeout(
        () => {
          reject(new Error(`it did not end within ${(timeoutMs ?? 0) / 1000} s`))
          channel.destroy()
        },
        timeoutMs ?? 2 ** 31 - 1,
      )
      let code: number | undefined
      channel.on("exit", (given: number | null) => {
        code = given ?? 1
      })
      channel.on("error", () => {})
      channel.on("close", () => {
        clearTimeout(late)
        if (code === undefined) reject(new Error("the connection was lost"))
        else resolve({ code, stdout: out.join(""), stderr: err.join("").trim() })
      })
      if (typeof input === "string") channel.end(input)
      else input.on("error", reject).pipe(channel)
    })
  }

  /**
   * Runs a shell script. Login shells differ, and what they are told to do at a start may print: so the script travels on
   * standard input to a plain `sh`, and what it tells are lines `cellfan:KEY=VALUE`.
   *
   * @throws BackendError with what it wrote to stderr, where it ends with another code than 0.
   */
  async script(doing: string, text: string): Promise<Map<string, string[]>> {
    const ended = await this.#told(doing, this.exec("exec /bin/sh", text, scriptMs))
    return toldBy(ended, this.settings.name, doing)
  }

  async #told<T>(doing: string, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (cause) {
      throw sshError(
        "network",
        `${this.settings.name} could not ${doing}: ${(cause as Error).message}`,
        cause,
      )
    }
  }

  /** A connection from the host to an address as it sees it. */
  async reach(host: string, port: number): Promise<Duplex> {
    try {
      return await new Promise((resolve, reject) =>
        this.#client.forwardOut("127.0.0.1", 0, host, port, (error, stream) =>
          error ? reject(error) : resolve(stream),
        ),
      )
    } catch (cause) {
      const { message, reason } = cause as Error & { readonly reason?: number }
      const why =
        reason === administrativelyProhibited
          ? "its sshd forbids it (AllowTcpForwarding)"
          : message.replace(/^\(SSH\) Channel open failure: /, "")
      throw sshError("network", `${this.settings.name} cannot reach ${host}:${port}: ${why}`, cause)
    }
  }

  /** Listens on the host's loopback. @throws BackendError where the port is taken, or the host does not allow it. */
  async listen(port: number, onConnection: (open: () => Duplex) => void): Promise<void> {
    const before = this.#incoming
    this.#incoming = (to, open) => (to === port ? onConnection(open) : before?.(to, open))
    try {
      await new Promise<void>((resolve, reject) =>
        this.#client.forwardIn("127.0.0.1", port, (error) => (error ? reject(error) : resolve())),
      )
    } catch (cause) {
      this.#incoming = before
      throw sshError(
        "other",
        `${this.settings.name} does not let cellfan listen on its port ${port}: the port is taken, or its sshd forbids it (AllowTcpForwarding)`,
        cause,
      )
    }
  }

  close(): void {
    this.#client.end()
  }
}

function configOf(
  settings: HostSettings,
  check: HostKeyCheck,
  { offers }: Identities,
  methods: Set<string>,
): ConnectConfig {
  const { host, port, user: username, family, localAddress } = settings
  // "none" makes the host say which ways in it has.
  const left = [...offers]
  let asked = false
  return {
    host,
    port,
    username,
    ...(family !== undefined && { forceIPv4: family === 4, forceIPv6: family === 6 }),
    ...(localAddress !== undefined && { localAddress }),
    readyTimeout: settings.connectTimeoutMs,
    keepaliveInterval: keepaliveMs,
    keepaliveCountMax: 3,
    algorithms: { serverHostKey: check.order(hostKeyAlgorithms) as HostKeyAlgorithms },
    hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
      check.accepts(key).then(verify, (error) => {
        check.error = error
        verify(false)
      })
    },
    authHandler: (allowed, _partial, next) => {
      for (const method of allowed ?? []) methods.add(method)
      const isAsking = !asked
      asked = true
      if (isAsking) return next({ type: "none", username })
      const offer = left.shift()
      // As the library's own handlers say that there is no further one.
      if (offer === undefined) return next(false as never)
      if (offer.type === "agent") return next({ type: "agent", username, agent: offer.agent })
      next({ type: "publickey", username, key: offer.key })
    },
  }
}
