import { setTimeout as sleep } from "node:timers/promises"
import type { JetStreamClient } from "./connection.ts"

type Consumer = Awaited<ReturnType<JetStreamClient["consumers"]["get"]>>
type Messages = Awaited<ReturnType<Consumer["consume"]>>

/** Where a consumer begins. */
type Start =
  | { readonly deliver_policy: "all" | "new" }
  | { readonly deliver_policy: "by_start_sequence"; readonly opt_start_seq: number }

const pauseMs = 250

/** Reads a stream in order and without gaps or repetitions; begun anew at the next message when the server was away. */
export class Reading {
  readonly #consumer: (start: Start) => Promise<Consumer>
  readonly #hear: (subject: string, bytes: Uint8Array, atMs: number) => void
  #messages: Messages | undefined
  /** Sequence number of the stream's first message that was not heard; undefined: its first. */
  #next: number | undefined
  /** What an older one still hears does not count. */
  #generation = 0
  isStopped = false

  constructor(
    consumer: (start: Start) => Promise<Consumer>,
    hear: (subject: string, bytes: Uint8Array, atMs: number) => void,
  ) {
    this.#consumer = consumer
    this.#hear = hear
  }

  /** Resolves with the number of messages that are there already. */
  async begin(from: "all" | "new"): Promise<number> {
    const consumer = await this.#consumer({ deliver_policy: from })
    const { num_pending: pending, delivered } = await consumer.info(true)
    if (from === "new") this.#next = delivered.stream_seq + 1
    await this.#consume(consumer)
    return pending
  }

  /** The connection is back. */
  async resume(): Promise<void> {
    const generation = ++this.#generation
    this.#messages?.stop()
    const next = this.#next
    const start: Start =
      next === undefined
        ? { deliver_policy: "all" }
        : { deliver_policy: "by_start_sequence", opt_start_seq: next }
    while (!this.isStopped && generation === this.#generation) {
      try {
        await this.#consume(await this.#consumer(start))
        return
      } catch {
        // The server is up before its streams are.
        await sleep(pauseMs, undefined, { ref: false })
      }
    }
  }

  stop(): void {
    this.isStopped = true
    this.#messages?.stop()
  }

  async #consume(consumer: Consumer): Promise<void> {
    const generation = this.#generation
    this.#messages = await consumer.consume({
      max_messages: 1000,
      idle_heartbeat: 5000,
      callback: (message) => {
        if (generation !== this.#generation || this.isStopped) return
        this.#next = message.seq + 1
        this.#hear(message.subject, message.data, message.time.getTime())
      },
    })
  }
}
