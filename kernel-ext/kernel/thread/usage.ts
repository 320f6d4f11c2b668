import { availableParallelism, cpus, freemem, hostname, totalmem } from "node:os"
import { processesWithUsage, withDescendants } from "./processes.ts"

/**
 * usage_reply: what the kernel and its machine are using, for extensions that show it. The kernel is this process and, where
 * /proc tells which they are, all that it has started. Percentages are of one core for the kernel, of all for the machine, and since
 * the question before.
 */
export class Usage {
  #kernel = { seconds: 0, at: 0 }
  #host = { busy: 0, all: 0 }

  reply(): string {
    const total = totalmem()
    const available = freemem()
    const { cpuSeconds, memoryBytes } = processTree() ?? ownProcess()
    return JSON.stringify({
      hostname: hostname(),
      pid: process.pid,
      kernel_cpu: this.#kernelPercent(cpuSeconds),
      kernel_memory: memoryBytes,
      host_cpu_percent: this.#hostPercent(),
      cpu_count: availableParallelism(),
      host_virtual_memory: {
        total,
        available,
        percent: rounded((100 * (total - available)) / total),
        used: total - available,
        free: available,
      },
    })
  }

  #kernelPercent(seconds: number): number {
    const before = this.#kernel
    this.#kernel = { seconds, at: performance.now() / 1000 }
    // A process that has ended takes its time with it.
    const used = Math.max(0, seconds - before.seconds)
    return before.at === 0 ? 0 : rounded((100 * used) / (this.#kernel.at - before.at))
  }

  #hostPercent(): number {
    const before = this.#host
    const times = cpus().map((cpu) => cpu.times)
    const all = times.reduce((sum, each) => sum + Object.values(each).reduce((a, b) => a + b, 0), 0)
    const idle = times.reduce((sum, each) => sum + each.idle, 0)
    this.#host = { busy: all - idle, all }
    return before.all === 0 || all === before.all
      ? 0
      : rounded((100 * (all - idle - before.busy)) / (all - before.all))
  }
}

interface Used {
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

function ownProcess(): Used {
  const { user, system } = process.cpuUsage()
  return { cpuSeconds: (user + system) / 1e6, memoryBytes: process.memoryUsage.rss() }
}

/** This process and its descendants; undefined where there is no /proc. */
function processTree(): Used | undefined {
  const found = processesWithUsage()
  if (found === undefined) return undefined
  const all = [...withDescendants([process.pid], found)].flatMap((pid) => found.get(pid) ?? [])
  return {
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    memoryBytes: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  }
}

function rounded(percent: number): number {
  return Math.round(percent * 10) / 10
}
