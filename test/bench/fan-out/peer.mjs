import { pools } from "./pools.mjs"
import { check, inputsOf } from "./tasks.mjs"

/**
 * One peer in a process of its own: `peer.mjs NAME`. It is told what to measure, in turn with the others.
 * `cold` is the first map of the process, from making the pool on; what was imported before does not count.
 */
const open = await pools[process.argv[2]]()
let pool

process.on("message", async ({ work, size, cold, heap }) => {
  const inputs = inputsOf(work, size)
  if (!cold) pool ??= open()
  // Only where memory is measured: nobody collects garbage before each map.
  if (heap) globalThis.gc?.()
  const heapBefore = process.memoryUsage()
  const begin = performance.now()
  if (cold) pool = open()
  const results = await pool.map(work, inputs)
  const ms = performance.now() - begin
  check(work, inputs, results)
  const { heapUsed, external } = process.memoryUsage()
  process.send({ ms, heapBytes: heapUsed + external - heapBefore.heapUsed - heapBefore.external })
})
process.on("disconnect", async () => {
  await pool?.close()
  process.exit(0)
})
process.send("ready")
