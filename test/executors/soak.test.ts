import { availableParallelism, loadavg } from "node:os"
import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"
import { StateCode } from "../../kernel-ext/protocol/task.ts"
import { childrenOf, isAlive, openDescriptors, waitUntil } from "../support/processes.ts"

/**
 * A worker is killed every 100 ms while a long map runs, if it got a hundred tasks further. `CELLFAN_SOAK=1` makes it 100 000
 * tasks; without it, a tenth of that. Bounded to two minutes: no more tasks after `feedMs`, by when all have been read, unless
 * other programs keep the machine so busy that it does little but start workers. Then it says how far it got.
 */
const size = process.env.CELLFAN_SOAK === undefined ? 10_000 : 100_000
const feedMs = 85_000

/** Processes that want a processor, for each that there is, above which 100 000 tasks may not be reached. */
const busyLoad = 4

describe(`A soak: ${size} tasks, a worker killed every 100 ms`, () => {
  it("ends with every result right, and no process, descriptor or memory left over", async function () {
    if (process.platform !== "linux") this.skip()
    const before = { children: childrenOf(process.pid), descriptors: openDescriptors() }
    const fexec = new LocalhostExecutor({ workers: 2 })
    const spin = (n: number) => {
      const until = performance.now() + 0.1
      while (performance.now() < until) {}
      return n * 3
    }
    await fexec.map(spin, [1, 2, 3, 4])
    const memory = process.memoryUsage().heapUsed
    // More deaths than any user's day has: one task may be hit several times.
    const job = fexec.map(spin, numbersFor(feedMs), { lostRetries: 20 })
    const killed = new Set<number>()
    let doneBefore = 0
    const killer = setInterval(() => {
      // A machine that starts workers slowly gets to run some tasks between two deaths.
      if (job.counts.done - doneBefore < 100) return
      const running = job.states.subarray(0, job.size).indexOf(StateCode.running)
      const pid = Number(job.tasks[running]?.stats.worker?.split(":")[1])
      if (!(pid > 0) || killed.has(pid) || !isAlive(pid)) return
      killed.add(pid)
      doneBefore = job.counts.done
      process.kill(pid, "SIGKILL")
    }, 100)
    const results = await job.finally(() => clearInterval(killer))
    console.log(
      `      ${results.length} tasks, ${killed.size} workers killed, ${job.stats().retries} tasks run again`,
    )
    expect(results.every((value, i) => value === 3 * i)).to.equal(true)
    expect(killed.size).to.be.at.least(5)
    const load = (loadavg()[0] ?? 0) / availableParallelism()
    if (results.length < size && load > busyLoad && size > 10_000)
      console.log(`      ${size} tasks were not reached at ${load.toFixed(1)} busy processes a processor`)
    else expect(results.length).to.equal(size)
    await fexec.close()
    await waitUntil(() =>
      childrenOf(process.pid).every((pid) => before.children.includes(pid) || !isAlive(pid)),
    )
    await waitUntil(() => openDescriptors() <= before.descriptors + 2)
    expect(process.memoryUsage().heapUsed - memory).to.be.lessThan(40 * 1024 * 1024)
  }).timeout(120_000)
})

/** 0, 1, 2, … up to `size`, or as many as are asked for in time. */
function* numbersFor(limitMs: number): Generator<number> {
  const until = Date.now() + limitMs
  for (let n = 0; n < size && Date.now() < until; n++) yield n
}
