import { randomUUID } from "node:crypto"
import type { Lane, QueueNames } from "../../../protocol/queue.ts"
import type { NatsConnection, NatsMessage } from "./connection.ts"

/** How long the server keeps a request for batches. */
const expiresMs = 20_000

/** Beyond that: an answer may be under way. */
const marginMs = 1000

/** A batch that the server has lent to this agent. */
export interface Lent {
  readonly bytes: Uint8Array
  /** How often it was lent, this time included. */
  readonly deliveries: number
  /** Renews the lease. */
  working(): void
  /** It is done with: the server forgets it. Resolves when the server has heard that. */
  ack(): Promise<void>
  /** Another agent may have it, at once. */
  giveBack(): void
}

/** A request for batches. Each has a subscription of its own: a batch that comes does not say which request it answers. */
interface Asked {
  left: number
  readonly untilMs: number
  readonly subscription: { unsubscribe(): void }
}

/**
 * Requests for batches that are open at the server. JetStream's pull protocol, used as it is: an agent knows how many
 * batches it has room for, and asks for exactly so many.
 */
export class Pulls {
  readonly #connection: NatsConnection
  readonly #next: string
  readonly #inbox = `_INBOX.${randomUUID()}`
  readonly #open = new Set<Asked>()
  #number = 0
  #hear: (lent: Lent) => void = () => {}
  #ended: () => void = () => {}

  constructor(connection: NatsConnection, names: QueueNames, lane: Lane) {
    this.#connection = connection
    this.#next = `$JS.API.CONSUMER.MSG.NEXT.${names.tasks}.${lane}`
  }

  /** @param ended Called when a request has ended without all that it asked for. */
  start(hear: (lent: Lent) => void, ended: () => void): void {
    this.#hear = hear
    this.#ended = ended
  }

  /** Batches that may come of requests that are open. */
  get asked(): number {
    const now = performance.now()
    let sum = 0
    for (const asked of this.#open) {
      if (asked.untilMs < now) this.#close(asked)
      else sum += asked.left
    }
    return sum
  }

  ask(count: number): void {
    const reply = `${this.#inbox}.${this.#number++}`
    const subscription = this.#connection.subscribe(reply, {
      callback: (error, message) => {
        if (error === null) this.#answered(asked, message)
      },
    })
    const asked: Asked = { left: count, untilMs: performance.now() + expiresMs + marginMs, subscription }
    this.#open.add(asked)
    this.#connection.publish(this.#next, JSON.stringify({ batch: count, expires: expiresMs * 1e6 }), {
      reply,
    })
  }

  /** What was asked for on a connection that is lost does not come. */
  stop(): void {
    for (const asked of this.#open) this.#close(asked)
  }

  #close(asked: Asked): void {
    this.#open.delete(asked)
    asked.subscription.unsubscribe()
  }

  #answered(asked: Asked, message: NatsMessage): void {
    const { reply } = message
    const code = message.headers?.code ?? 0
    // 100 is a sign of life.
    if (code === 100) return
    if (code > 0 || reply === undefined || reply === "") {
      this.#close(asked)
      this.#ended()
      return
    }
    if (--asked.left === 0) this.#close(asked)
    const connection = this.#connection
    this.#hear({
      bytes: message.data,
      deliveries: deliveriesIn(reply),
      working: () => connection.publish(reply, "+WPI"),
      ack: async () => {
        await connection.request(reply, "+ACK", { timeout: 5000 })
      },
      giveBack: () => connection.publish(reply, "-NAK"),
    })
  }
}

/** $JS.ACK.STREAM.CONSUMER.DELIVERIES.…, or with domain and account before the stream. */
function deliveriesIn(reply: string): number {
  const tokens = reply.split(".")
  return Number(tokens.length > 9 ? tokens[6] : tokens[4])
}
