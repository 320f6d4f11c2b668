/**
 * Which tasks have begun, in memory that the worker's main thread and its watchdog share. A task begins by claiming its
 * position; the host takes tasks back by closing the ticket. Both are one atomic step, so each task belongs to exactly
 * one side, even while the main thread is stuck in user code.
 *
 * Taking back makes an epoch void. Batches that were sent in it and have not begun may still be on their way to the main
 * thread, which then must not open the ticket for them.
 */
export class Ticket {
  readonly memory: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #startedAt: Float64Array

  constructor(memory = new SharedArrayBuffer(24)) {
    this.memory = memory
    this.#words = new Int32Array(memory, 0, 3)
    this.#startedAt = new Float64Array(memory, 16, 1)
  }

  /** Main thread: allows positions from `position` on to be claimed, unless `epoch` is void. */
  open(position: number, epoch: number): void {
    Atomics.store(this.#words, 0, position)
    // Looked at after opening: whichever comes first, this or `close`, the other one sees it.
    if (Atomics.load(this.#words, 2) > epoch) Atomics.compareExchange(this.#words, 0, position, -1)
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

  /** Watchdog: no position of this epoch from the returned one on begins any more; -1 where none of it has begun. */
  close(epoch: number): number {
    Atomics.store(this.#words, 2, epoch + 1)
    return Atomics.exchange(this.#words, 0, -1)
  }
}
