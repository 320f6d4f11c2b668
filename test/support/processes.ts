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
export async function waitUntil(holds: () => boolean, limitMs = 10_000): Promise<void> {
  const end = Date.now() + limitMs
  while (!holds()) {
    if (Date.now() > end) throw new Error(`It did not come to be within ${limitMs} ms: ${holds}`)
    await sleep(5)
  }
}
