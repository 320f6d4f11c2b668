/**
 * Which tasks have begun, in memory that the worker's main thread and its watchdog share. A task begins by claiming its
 * position; the host takes tasks back by closing the ticket. Both are one atomic step, so each task belongs to exactly
 * one side, even while the main thread is stuck in user code.
 */
export class Ticket {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #startedAt: Float64Array

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, 2)
    this.#startedAt = new Float64Array(memory, 8, 1)
  }

  /** Main thread: allows positions from `position` on to be claimed. */
  open(position: number): void {
    Atomics.store(this.#words, 0, position)
  }

  /** Main thread: false where the host has taken the task back. */
  claim(position: number, atMs: number): boolean {
    this.#startedAt[0] = atMs
    if (Atomics.compareExchange(this.#words, 0, position, position + 1) !== position) return false
    this.#words[1] = 1
    return true
  }

  /** Main thread: the claimed task has ended. */
  rest(): void {
    this.#words[1] = 0
  }

  /** Watchdog: the next position that will begin; -1 while closed. */
  get next(): number {
    return Atomics.load(this.#words, 0)
  }

  get busy(): boolean {
    return Atomics.load(this.#words, 1) === 1
  }

  get startedAtMs(): number {
    return this.#startedAt[0] ?? 0
  }

  /** Watchdog: no position from the returned one on begins any more. */
  close(): number {
    return Atomics.exchange(this.#words, 0, -1)
  }
}
