import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { type JetStreamClient, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"

/** What one would write with NATS alone: batches in a work queue, two consumers, results in a stream; no states, logs, retries, leases or workers apart. */
export class BarePipeline {
  readonly #connection: NatsConnection
  readonly #js: JetStreamClient
  readonly #consumers: readonly ChildProcess[]
  #runs = 0

  private constructor(connection: NatsConnection, consumers: readonly ChildProcess[]) {
    this.#connection = connection
    this.#js = jetstream(connection)
    this.#consumers = consumers
  }

  static async start(url: string): Promise<BarePipeline> {
    const connection = await connect({ servers: url })
    const manager = await jetstreamManager(connection)
    const common = { storage: "file" } as const
    await manager.streams.add({
      ...common,
      name: "bare-tasks",
      subjects: ["bare.task"],
      retention: "workqueue",
    })
    await manager.streams.add({ ...common, name: "bare-results", subjects: ["bare.result.*"] })
    await manager.consumers.add("bare-tasks", { durable_name: "consumers", ack_policy: "explicit" })
    const program = fileURLToPath(new URL("consumer.mjs", import.meta.url))
    const consumers = [0, 1].map(() => fork(program, [url]))
    await Promise.all(consumers.map((child) => once(child, "message")))
    return new BarePipeline(connection, consumers)
  }

  /** Maps `count` numbers, so many in a message. */
  async map(count: number, batch: number): Promise<number[]> {
    const run = this.#runs++
    const consumer = await this.#js.consumers.get("bare-results", {
      filter_subjects: `bare.result.${run}`,
      deliver_policy: "all",
    })
    const messages = await consumer.consume()
    const publications: Promise<unknown>[] = []
    for (let first = 0; first < count; first += batch) {
      const inputs = Array.from({ length: Math.min(batch, count - first) }, (_, i) => first + i)
      publications.push(this.#js.publish("bare.task", JSON.stringify({ run, inputs })))
    }
    await Promise.all(publications)
    const results: number[] = []
    for await (const message of messages) {
      results.push(...message.json<number[]>())
      if (results.length === count) break
    }
    messages.stop()
    return results
  }

  async stop(): Promise<void> {
    for (const child of this.#consumers) child.kill()
    await this.#connection.close()
  }
}
