import { readFileSync } from "node:fs"
import { getHeapStatistics } from "node:v8"

/** User code may put its own clock in place of ours. */
const clock = performance

/** What a worker has used since it began. */
export interface Meter {
  cpuMs(): number
  /** 0 where it is not known. */
  peakMemoryBytes(): number
}

/** Reports of quick tasks come every few milliseconds, and asking the system takes longer than such a task. */
const peakHoldsMs = 20

export const processMeter: Meter = {
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  peakMemoryBytes: peakOf(() => process.resourceUsage().maxRSS * 1024),
}

/** Of this thread alone. The system knows memory of whole processes only: here it is V8's, as it was at the ends of tasks. */
export const threadMeter: Meter = {
  cpuMs: threadCpuMs(),
  peakMemoryBytes: peakOf(() => {
    const { total_physical_size, malloced_memory, external_memory } = getHeapStatistics()
    return total_physical_size + malloced_memory + external_memory
  }),
}

function peakOf(read: () => number): () => number {
  let peakBytes = 0
  let readAtMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    if (now - readAtMs > peakHoldsMs) {
      readAtMs = now
      peakBytes = Math.max(peakBytes, read())
    }
    return peakBytes
  }
}

interface ThreadUsage {
  threadCpuUsage?(): NodeJS.CpuUsage
}

function threadCpuMs(): () => number {
  // From Node 23.9 on.
  const usage = (process as ThreadUsage).threadCpuUsage?.bind(process)
  if (usage !== undefined)
    return () => {
      const { user, system } = usage()
      return (user + system) / 1000
    }
  return () => {
    try {
      // Nanoseconds on a processor, nanoseconds in the queue for one, time slices.
      return Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ")[0]) / 1e6
    } catch {
      return 0
    }
  }
}
