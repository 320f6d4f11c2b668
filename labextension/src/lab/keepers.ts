/**
 * Which page keeps a job's picture in a notebook. Where several have the notebook open, each would have it to save, and
 * JupyterLab would ask their readers whose is right: so it is the first that showed the job, for as long as it shows it.
 */
export class Keepers {
  readonly #scope: string
  readonly #held = new Map<string, Keeper>()

  /** `scope`: what the pages have open, the same in each of them. */
  constructor(scope: string) {
    this.#scope = scope
  }

  /** A notebook may show a job several times: they keep it together. */
  take(job: string): Keeper {
    const keeper = this.#held.get(job) ?? new Keeper(`cellfan ${this.#scope} ${job}`)
    this.#held.set(job, keeper)
    keeper.users++
    return keeper
  }

  giveBack(job: string): void {
    const keeper = this.#held.get(job)
    if (keeper === undefined || --keeper.users > 0) return
    this.#held.delete(job)
    keeper.end()
  }
}

export class Keeper {
  users = 0
  isOurs = false
  readonly #ended = new AbortController()

  constructor(name: string) {
    // Pages from elsewhere than this machine by plain HTTP have no locks.
    if (navigator.locks === undefined) {
      this.isOurs = true
      return
    }
    const { signal } = this.#ended
    navigator.locks
      .request(name, { signal }, () => {
        this.isOurs = true
        return new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()))
      })
      .catch(() => {
        // It ended while it was waiting.
      })
  }

  end(): void {
    this.#ended.abort()
  }
}
