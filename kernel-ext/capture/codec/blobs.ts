import { Worker } from "node:worker_threads"

/**
 * The bytes of a Blob, now: Node only reads them asynchronously, and what is sent must be what was there at the call.
 * A thread reads while this one waits.
 */
export function readBlob(blob: Blob): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(blob.size))
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const thread = new Worker(reader, { eval: true, workerData: { blob, bytes, flag }, env: {}, execArgv: [] })
  thread.unref()
  const outcome = Atomics.wait(flag, 0, 0, longestMs)
  void thread.terminate()
  if (outcome === "timed-out" || Atomics.load(flag, 0) !== done) throw new Error("The Blob could not be read")
  return bytes.slice()
}

const longestMs = 30_000
const done = 1

const reader = `
const { blob, bytes, flag } = require("node:worker_threads").workerData
blob.arrayBuffer().then((buffer) => { bytes.set(new Uint8Array(buffer)); return ${done} }, () => 2).then((code) => {
  Atomics.store(flag, 0, code)
  Atomics.notify(flag, 0)
})
`
