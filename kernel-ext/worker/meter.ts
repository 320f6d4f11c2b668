import { readFileSync } from "node:fs"

/** What a worker has used since it began. */
export interface Meter {
  cpuMs(): number
  /** 0 where it is not known. */
  peakMemoryBytes(): number
}

export const processMeter: Meter = {
  cpuMs() {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  peakMemoryBytes: () => process.resourceUsage().maxRSS * 1024,
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
