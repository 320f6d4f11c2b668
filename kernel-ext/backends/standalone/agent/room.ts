/** Batches that take longer than this are not worth fetching before a worker is free: the fetch takes some milliseconds. */
const quickMs = 150

/** A batch that waits here so long for a worker may find one sooner elsewhere. */
const staleMs = 200

/** How many batches an agent asks for: one for each worker, and while they are quick as many again, so that none waits for the next. */
export class Room {
  readonly #workers: number
  #meanMs = Number.POSITIVE_INFINITY

  constructor(workers: number) {
    this.#workers = workers
  }

  wanted(held: number): number {
    const ahead = this.#meanMs < quickMs ? this.#workers : 0
    return this.#workers + ahead - held
  }

  /** Batches of the first lane are welcome beyond that while they do not wait long here. */
  wantedFirst(held: number): number {
    return this.#meanMs < quickMs ? this.#workers : Math.max(0, this.wanted(held))
  }

  took(ms: number): void {
    this.#meanMs = Number.isFinite(this.#meanMs) ? (this.#meanMs * 3 + ms) / 4 : ms
  }

  isStale(waitedMs: number): boolean {
    return waitedMs > staleMs
  }

  /** What was fetched ahead had to wait: no more of that, until batches are quick again. */
  wasStale(): void {
    this.#meanMs = Number.POSITIVE_INFINITY
  }
}
