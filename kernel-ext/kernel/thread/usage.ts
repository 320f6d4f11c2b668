import { readdirSync, readFileSync } from "node:fs"
import { availableParallelism, cpus, freemem, hostname, totalmem } from "node:os"

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

/** Both are the same on every Linux that Node runs on, but for memory pages of some ARM machines. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** This process and its descendants; undefined where there is no /proc. */
function processTree(): Used | undefined {
  const found = new Map<number, Used & { readonly parent: number }>()
  try {
    for (const name of readdirSync("/proc")) if (/^\d+$/.test(name)) readProcess(Number(name), found)
  } catch {
    return undefined
  }
  const ours = new Set([process.pid])
  // A child's number may be lower than its parent's: until no more are found.
  for (let before = 0; before < ours.size; ) {
    before = ours.size
    for (const [pid, { parent }] of found) if (ours.has(parent)) ours.add(pid)
  }
  const all = [...ours].map((pid) => found.get(pid) ?? { cpuSeconds: 0, memoryBytes: 0 })
  return {
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    memoryBytes: all.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0),
  }
}

function readProcess(pid: number, into: Map<number, Used & { readonly parent: number }>): void {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    // It has ended meanwhile.
    return
  }
  // The program's name, in parentheses, may hold anything; from the third field on all are numbers but one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const field = (number: number) => Number(fields[number - 3])
  into.set(pid, {
    parent: field(4),
    cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
    memoryBytes: field(24) * PAGE_BYTES,
  })
}

function rounded(percent: number): number {
  return Math.round(percent * 10) / 10
}
