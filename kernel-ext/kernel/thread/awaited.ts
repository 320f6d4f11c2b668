import { readFileSync } from "node:fs"
import { processes, withDescendants } from "./processes.ts"

/**
 * Interrupts the child process that the main thread is waiting for (`execSync`, `spawnSync`), which nothing else ends: while it
 * waits no JavaScript runs on that thread. In a terminal the child would have the signal from there, with the rest of its group.
 */

/** What the main thread has said to be no child of this wait. */
type Others = ReadonlySet<number>

const LOOK_EVERY_MS = 50

/** A child that was interrupted may tidy up for so long before it is killed. */
const KILL_AFTER_MS = 2000

export class AwaitedChild {
  /** Undefined while the main thread waits for none. */
  #others: Others | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #told = new Set<number>()

  began(others: readonly number[]): void {
    this.over()
    this.#others = new Set(others)
  }

  over(): void {
    this.#others = undefined
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** `patienceMs`: how long it may take to end by itself, where it has the signal from elsewhere already. */
  interrupt(patienceMs = 0): void {
    this.#told.clear()
    if (this.#others === undefined || this.#timer !== undefined) return
    const others = this.#others
    const fromMs = performance.now() + patienceMs
    const look = () => {
      const sinceMs = performance.now() - fromMs
      if (sinceMs >= 0) this.#signal(others, sinceMs > KILL_AFTER_MS ? "SIGKILL" : "SIGINT")
    }
    this.#timer = setInterval(look, LOOK_EVERY_MS)
    look()
  }

  #signal(others: Others, signal: "SIGINT" | "SIGKILL"): void {
    for (const pid of awaited(others)) {
      if (signal === "SIGINT" && this.#told.has(pid)) continue
      this.#told.add(pid)
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended, or is another user's.
      }
    }
  }
}

/** The child, and what it has started and not put into a group of its own. */
function awaited(others: Others): number[] {
  const all = processes()
  const ofMainThread = childrenOfMainThread()
  const children = [...all]
    .filter(([pid, { parent }]) => parent === process.pid && !others.has(pid))
    .map(([pid]) => pid)
    .filter((pid) => ofMainThread?.has(pid) ?? true)
  const groups = new Set(children.map((pid) => all.get(pid)?.group))
  return [...withDescendants(children, all)].filter((pid) => groups.has(all.get(pid)?.group))
}

/** Where the system tells: what the threads of tasks have started is theirs. */
function childrenOfMainThread(): ReadonlySet<number> | undefined {
  try {
    const listed = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8")
    return new Set(listed.trim().split(" ").map(Number))
  } catch {
    return undefined
  }
}
