/** How many tasks travel together. */

/**
 * A batch should keep its worker busy about this long, unless its backend says otherwise: far longer than a message takes
 * from a processor that tasks keep busy, too short to notice a wait for.
 */
const defaultTargetMs = 40

/** At the end of a job batches get smaller, to this share of that: not so small that messages outweigh the work. */
const leastShare = 0.01

/** While nothing is known a batch is one task; each batch that has been measured may be this many times as large as the one before. */
const growth = 16

/** Of inputs and of results: what one batch may hold in memory on both sides. */
const targetBytes = 4 * 1024 * 1024

const largest = 8192

/** Chooses batch sizes for the tasks of one function from how long they took so far. */
export class ChunkSizer {
  readonly #fixed: number | undefined
  #meanMs: number | undefined
  #meanBytes = 0
  #limit = 1
  /** Tasks of the newest message. */
  #newest = 0
  readonly #targetMs: number

  constructor(fixed: number | undefined, known?: ChunkSizer, targetMs = defaultTargetMs) {
    this.#fixed = fixed
    this.#targetMs = targetMs
    if (known === undefined) return
    this.#meanMs = known.#meanMs
    this.#meanBytes = known.#meanBytes
    this.#limit = known.#limit
  }

  /** Mean duration of a task, once there is one. */
  get meanMs(): number | undefined {
    return this.#meanMs
  }

  /** Whether batches are as large as they should be, and not only as what was measured so far allows. */
  get isSure(): boolean {
    if (this.#fixed !== undefined) return true
    if (this.#meanMs === undefined) return false
    return this.#limit >= Math.min(largest, this.#targetMs / Math.max(this.#meanMs, 1e-4))
  }

  /** Tasks of the next batch, where `remaining` are still to be sent to `workers`. */
  next(remaining: number, workers: number): number {
    if (this.#fixed !== undefined) return Math.min(this.#fixed, remaining)
    const meanMs = this.#meanMs
    if (meanMs === undefined) return 1
    const perMs = 1 / Math.max(meanMs, 1e-4)
    // Each worker's share in several batches, the last of them small: whoever is done first takes more.
    const fair = Math.max(remaining / (4 * workers), leastShare * this.#targetMs * perMs)
    const bytes = this.#meanBytes > 0 ? targetBytes / this.#meanBytes : largest
    const size = Math.min(this.#targetMs * perMs, fair, this.#limit, bytes, largest)
    return Math.max(1, Math.min(remaining, Math.ceil(size)))
  }

  /** Tells how long the tasks of one message took together. */
  took(tasks: number, totalMs: number): void {
    const mean = totalMs / tasks
    // The newest counts for half, as work often changes along the inputs, or for its share of tasks where that is more: first
    // calls are slow until the function is compiled, and there are few of them.
    const share = Math.max(0.5, tasks / (tasks + this.#newest))
    this.#meanMs = this.#meanMs === undefined ? mean : this.#meanMs + share * (mean - this.#meanMs)
    this.#newest = tasks
    this.#limit = Math.max(this.#limit, tasks * growth)
  }

  weighed(tasks: number, totalBytes: number): void {
    const mean = totalBytes / tasks
    this.#meanBytes = this.#meanBytes === 0 ? mean : (this.#meanBytes + mean) / 2
  }
}
