/** In which order tasks settled, and who waits for that. */
export class Settling {
  /** Indices in the order they settled; the first `length` count. A task that was retried may stand here twice. */
  order = new Uint32Array(16)
  length = 0
  readonly #ofTask = new Map<number, (() => void)[]>()
  #ofJob: (() => void)[] = []
  #ofNext: (() => void)[] = []

  taskSettled(index: number): void {
    if (this.length === this.order.length) {
      const larger = new Uint32Array(2 * this.order.length)
      larger.set(this.order)
      this.order = larger
    }
    this.order[this.length++] = index
    if (this.#ofTask.size > 0) {
      const waiters = this.#ofTask.get(index)
      this.#ofTask.delete(index)
      if (waiters !== undefined) release(waiters)
    }
    if (this.#ofNext.length > 0) release(this.#ofNext)
  }

  jobSettled(): void {
    release(this.#ofJob)
    release(this.#ofNext)
  }

  untilTask(index: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = this.#ofTask.get(index)
      if (waiters === undefined) this.#ofTask.set(index, [resolve])
      else waiters.push(resolve)
    })
  }

  untilJob(): Promise<void> {
    return new Promise((resolve) => this.#ofJob.push(resolve))
  }

  /** Until one more task settles, or the job does. */
  untilNext(): Promise<void> {
    return new Promise((resolve) => this.#ofNext.push(resolve))
  }
}

function release(waiters: (() => void)[]): void {
  for (const resolve of waiters.splice(0)) resolve()
}
