import { readFileSync } from "node:fs"

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

let peakBytes = 0
let peakAtMs = Number.NEGATIVE_INFINITY

export const processMeter: Meter = {
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  peakMemoryBytes() {
    const now = clock.now()
    if (now - peakAtMs > peakHoldsMs) {
      peakAtMs = now
      peakBytes = process.resourceUsage().maxRSS * 1024
    }
    return peakBytes
  },
}

/** Of this thread alone. The peak of memory is known for whole processes only. */
export const threadMeter: Meter = {
  cpuMs: threadCpuMs(),
  peakMemoryBytes: () => 0,
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
