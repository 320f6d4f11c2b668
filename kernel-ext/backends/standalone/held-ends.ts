import type { TaskEnd } from "../backend.ts"
import type { KernelAnswer } from "./kernel-question.ts"

/** How soon the kernel is asked again. */
const againMs = 1000

export interface HeldEndsEvents {
  /** This is how the task ended: it does not run again. */
  ended(index: number, end: TaskEnd): void
  /** The task runs again: what was heard of it was not its end. */
  retried(index: number): void
  /** No tasks are to come beside those that are known. */
  whole(): void
}

/**
 * How tasks of another kernel's job ended without a result: told once it is known that it does not have them run again, as it may. A
 * kernel that is gone has nothing run again.
 */
export class HeldEnds {
  readonly #events: HeldEndsEvents
  readonly #ask: (indices: readonly number[]) => Promise<KernelAnswer>
  readonly #held = new Map<number, TaskEnd>()
  /** Those of which it was told that they run again. */
  readonly #told = new Set<number>()
  #asking = false
  #isLive = false
  #isWhole = false
  #timer: NodeJS.Timeout | undefined

  constructor(ask: (indices: readonly number[]) => Promise<KernelAnswer>, events: HeldEndsEvents) {
    this.#ask = ask
    this.#events = events
  }

  hold(index: number, end: TaskEnd): void {
    // It has ended before, so this was another run.
    this.mended(index)
    this.#held.set(index, end)
    if (this.#isLive) void this.#look()
  }

  /** The task has a result, or ended once more. */
  mended(index: number): void {
    if (!this.#held.delete(index)) return
    if (!this.#told.delete(index)) this.#events.retried(index)
  }

  /** All that had been recorded was read: what is held may be how it ended. */
  live(): void {
    if (this.#isLive) return
    this.#isLive = true
    void this.#look()
  }

  /** Nothing runs again. */
  over(): void {
    this.close()
    for (const [index, end] of this.#held) this.#events.ended(index, end)
    this.#held.clear()
  }

  close(): void {
    this.#isLive = false
    clearTimeout(this.#timer)
  }

  async #look(): Promise<void> {
    if (this.#asking) return
    this.#asking = true
    const asked = new Map(this.#held)
    const answer = await this.#ask([...asked.keys()])
    this.#asking = false
    if (!this.#isLive) return
    if (answer.isThere) this.#heard(asked, new Set(answer.settled), answer.isWhole)
    clearTimeout(this.#timer)
    if (this.#held.size > 0 || !this.#isWhole)
      this.#timer = setTimeout(() => void this.#look(), againMs).unref()
  }

  #heard(asked: ReadonlyMap<number, TaskEnd>, settled: ReadonlySet<number>, isWhole: boolean): void {
    for (const [index, end] of asked) {
      if (this.#held.get(index) !== end) continue
      if (settled.has(index)) {
        this.#held.delete(index)
        this.#told.delete(index)
        this.#events.ended(index, end)
      } else if (!this.#told.has(index)) {
        this.#told.add(index)
        this.#events.retried(index)
      }
    }
    if (!isWhole || this.#isWhole) return
    this.#isWhole = true
    this.#events.whole()
  }
}
