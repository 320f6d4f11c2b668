import * as zmq from "zeromq"
import { addressOf, type Connection, type SocketName } from "./connection.ts"
import { log } from "./log.ts"
import { type Message, type Outgoing, Wire } from "./wire.ts"

/** The kernel's five sockets. It lives on the helper thread: what arrives is served while a cell keeps the main thread busy. */

export type RequestChannel = "shell" | "control" | "stdin"

export interface ServerEvents {
  received(channel: RequestChannel, message: Message): void
}

/** A subscriber that has not read for this long is left behind: what it misses is dropped, as PUB sockets do. */
const STUCK_AFTER_MS = 10_000

const RETRY_MS = 5

/** How long unsent messages may hold up the end of the process. */
const LINGER_MS = 1000

export class Server {
  readonly #wire: Wire
  readonly #events: ServerEvents
  readonly #routers: Readonly<Record<RequestChannel, Outbox>>
  readonly #iopub: Outbox
  readonly #sockets: { readonly name: SocketName; readonly socket: zmq.Router | zmq.XPublisher }[]
  #closed = false

  constructor(connection: Connection, events: ServerEvents) {
    this.#wire = new Wire(connection.key, connection.signatureScheme)
    this.#events = events
    const options = { linger: LINGER_MS, ...curveOptions(connection) }
    const router = () => new zmq.Router({ ...options, handover: true })
    const [shell, control, stdin, hb] = [router(), router(), router(), router()]
    // With `noDrop` a slow subscriber slows us down in place of losing messages: a lost "idle" hangs a client for good.
    const iopub = new zmq.XPublisher({ ...options, noDrop: true, verbosity: "allSubs" })
    this.#routers = { shell: new Outbox(shell), control: new Outbox(control), stdin: new Outbox(stdin) }
    this.#iopub = new Outbox(iopub)
    this.#sockets = [
      { name: "shell", socket: shell },
      { name: "control", socket: control },
      { name: "iopub", socket: iopub },
      { name: "stdin", socket: stdin },
      { name: "hb", socket: hb },
    ]
  }

  async listen(connection: Connection): Promise<void> {
    await Promise.all(this.#sockets.map(({ name, socket }) => socket.bind(addressOf(connection, name))))
    for (const { name, socket } of this.#sockets) this.#read(name, socket)
  }

  /** Queues a reply to the client that `identities` lead to. */
  send(channel: RequestChannel, identities: readonly Uint8Array[], message: Outgoing): Promise<void> {
    return this.#routers[channel].push(this.#wire.encode(identities, message))
  }

  /** Queues a message for every client. Resolves when it is on its way or was dropped. */
  publish(topic: string, message: Outgoing): Promise<void> {
    return this.#iopub.push(this.#wire.encode([Buffer.from(topic)], message))
  }

  /** Sends what is queued, then closes. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.all([...Object.values(this.#routers), this.#iopub].map((outbox) => outbox.drained()))
    for (const { socket } of this.#sockets) socket.close()
  }

  async #read(name: SocketName, socket: zmq.Router | zmq.XPublisher): Promise<void> {
    while (!this.#closed) {
      let frames: Uint8Array[]
      try {
        frames = await socket.receive()
      } catch (error) {
        if (!this.#closed) log(`The ${name} socket stopped reading: ${String(error)}`)
        return
      }
      try {
        await this.#take(name, socket, frames)
      } catch (error) {
        log(`A message on ${name} could not be handled: ${String(error)}`)
      }
    }
  }

  async #take(name: SocketName, socket: zmq.Router | zmq.XPublisher, frames: Uint8Array[]): Promise<void> {
    if (name === "hb") {
      // Awaited here and not queued: a client waits for its echo before it sends the next.
      await socket.send(frames).catch(() => {})
    } else if (name === "iopub") this.#welcome(frames)
    else this.#decode(name, frames)
  }

  #decode(channel: RequestChannel, frames: readonly Uint8Array[]): void {
    const decoded = this.#wire.decode(frames)
    if (decoded.ok) this.#events.received(channel, decoded.message)
    else log(`Dropped a message on ${channel}: ${decoded.reason}`)
  }

  /** Tells a new subscriber that it will miss nothing from here on. */
  #welcome(frames: readonly Uint8Array[]): void {
    const [frame] = frames
    if (frame === undefined || frame[0] !== 1) return
    const subscription = Buffer.from(frame.subarray(1)).toString("utf8")
    const content = JSON.stringify({ subscription })
    void this.publish(subscription, { type: "iopub_welcome", parent: undefined, content })
  }
}

/** Sends one message after the other: zeromq takes no second `send` before the first has ended. */
class Outbox {
  readonly #socket: zmq.Router | zmq.XPublisher
  #last: Promise<void> = Promise.resolve()

  constructor(socket: zmq.Router | zmq.XPublisher) {
    this.#socket = socket
  }

  push(frames: readonly Uint8Array[]): Promise<void> {
    this.#last = this.#last.then(() => this.#send(frames))
    return this.#last
  }

  drained(): Promise<void> {
    return this.#last
  }

  async #send(frames: readonly Uint8Array[]): Promise<void> {
    const deadlineMs = performance.now() + STUCK_AFTER_MS
    for (;;) {
      try {
        await this.#socket.send([...frames])
        return
      } catch (error) {
        // EHOSTUNREACH and its like: the client has gone, and so has its interest.
        if (!isFull(error)) return
        if (performance.now() > deadlineMs) this.#leaveBehind()
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  #leaveBehind(): void {
    if (!(this.#socket instanceof zmq.XPublisher) || !this.#socket.noDrop) return
    log(`A client has not read its messages for ${STUCK_AFTER_MS / 1000} s; from now on it may miss some`)
    this.#socket.noDrop = false
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EAGAIN"
}

function curveOptions(connection: Connection) {
  if (connection.curve === undefined) return {}
  const { publicKey, secretKey } = connection.curve
  return { curveServer: true, curvePublicKey: publicKey, curveSecretKey: secretKey }
}
