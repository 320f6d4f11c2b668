import { Worker } from "node:worker_threads"

/**
 * Hears SIGINT while the main thread is in a loop.
 *
 * Node gives signals to listeners on the main thread, when that serves its events. The one other thing that it does with this
 * signal is to end a `vm` call that asks for it, on whatever thread that runs. So a thread that does nothing else waits in such a
 * call, and says each time that the call has ended. The outer call is there for what comes while the inner one is made again:
 * with none at all, the signal would end the process.
 */
const LISTEN = `
  const { parentPort } = require("node:worker_threads")
  const vm = require("node:vm")
  const never = new Int32Array(new SharedArrayBuffer(4))
  const endless = (script) => {
    for (;;) {
      try {
        script.runInThisContext({ breakOnSigint: true })
      } catch {
        parentPort.postMessage("SIGINT")
      }
    }
  }
  globalThis.wait = () => Atomics.wait(never, 0, 0)
  const inner = new vm.Script("wait()")
  globalThis.listen = () => endless(inner)
  endless(new vm.Script("listen()"))
`

/** It needs next to nothing, and what a thread may use is set aside for it. */
const MEMORY = {
  maxYoungGenerationSizeMb: 1,
  maxOldGenerationSizeMb: 8,
  codeRangeSizeMb: 1,
  stackSizeMb: 0.5,
}

/** Calls `onSignal` each time. From then on listeners of SIGINT, on the main thread, hear it no more. */
export function listenForSignals(onSignal: () => void): void {
  // There, programs are interrupted by other means.
  if (process.platform === "win32") return
  const worker = new Worker(LISTEN, { eval: true, resourceLimits: MEMORY })
  worker.on("message", onSignal)
  worker.unref()
}
