/** So many wait for the server's word at a time: it keeps one after the other on its disk, and what is cancelled meanwhile is not sent at all. */
const atOnce = 256

/** Batches on their way into the queue, in order. */
export class Publications {
  #open = 0
  readonly #waiting: (() => void)[] = []
  readonly #underWay = new Set<Promise<void>>()

  /** Publishes when it is its turn; not where nobody wants it any more by then. */
  async add(isWanted: () => boolean, publish: () => Promise<void>): Promise<void> {
    if (this.#open < atOnce) this.#open++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      if (isWanted()) await this.#track(publish())
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#open--
      else next()
    }
  }

  /** Resolves when the server has what is on its way to it now, or has refused it. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  async #track(publication: Promise<void>): Promise<void> {
    this.#underWay.add(publication)
    try {
      await publication
    } finally {
      this.#underWay.delete(publication)
    }
  }
}
