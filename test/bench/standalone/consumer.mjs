import { jetstream } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"

/** The far end of the bare pipeline: `node consumer.mjs URL`. Takes batches, calls the function, publishes results, acknowledges. */
const [url] = process.argv.slice(2)
const connection = await connect({ servers: url })
const js = jetstream(connection)
const consumer = await js.consumers.get("bare-tasks", "consumers")
const noop = (n) => n

const messages = await consumer.consume({ max_messages: 4 })
process.send("ready")
for await (const message of messages) {
  const { run, inputs } = message.json()
  const results = inputs.map(noop)
  // Whoever loses no results acknowledges a batch when they are kept.
  void js.publish(`bare.result.${run}`, JSON.stringify(results)).then(() => message.ack())
}
