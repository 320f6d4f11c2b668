import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Resolves when `holds`, looking every few milliseconds; rejects after `limitMs`. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`It did not come to be within ${limitMs} ms: ${holds}`)
    await sleep(5)
  }
}

/** Processes that this one has started and that still run. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) => {
    const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
    return text.split(" ").filter(Boolean).map(Number)
  })
}

/** Open files and sockets of this process. */
export function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length
}
