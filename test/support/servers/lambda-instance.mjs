import { Writable } from "node:stream"

/** One instance of the shim's functions, with what Lambda's own Node.js has around a handler. */
globalThis.awslambda = {
  streamifyResponse: (handler) =>
    Object.assign((event, answer, context) => handler(event, answer, context), { streams: true }),
}
const { handler } = await import(process.env.SHIM_CODE)
process.send({ ready: true })

process.on("message", async ({ event, deadlineMs }) => {
  const context = { getRemainingTimeInMillis: () => deadlineMs - Date.now() }
  const stream = new Writable({
    write(chunk, _encoding, done) {
      process.send({ chunk: chunk.toString("base64") }, done)
    },
  })
  const ended = new Promise((resolve) => stream.once("finish", resolve))
  try {
    if (handler.streams) {
      await handler(event, stream, context)
      await ended
      process.send({ done: true })
    } else {
      const answer = JSON.stringify(await handler(event, context))
      process.send({ chunk: Buffer.from(answer).toString("base64") })
      process.send({ done: true })
    }
  } catch (error) {
    process.send({ failed: { errorType: error.name, errorMessage: error.message } })
  }
})
