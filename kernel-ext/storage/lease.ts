import type { ObjectStorage } from "../protocol/storage.ts"

/**
 * Keeps a job's data from other processes that clean up: while the job lives, an empty object of it is written anew every few
 * minutes. Whose newest object is older than that is left over. So nobody has to say goodbye, and a listing tells it all.
 */
const renewAfterMs = 4 * 60_000

/** Three renewals may fail, or come late, and clocks may differ by minutes. */
export const livesForMs = 15 * 60_000

export class Lease {
  readonly #storage: ObjectStorage
  readonly #key: string
  readonly #timer: NodeJS.Timeout
  #renewing: Promise<unknown> = Promise.resolve()

  /** To be made once the job has data in storage: that is as good as a first renewal. */
  constructor(storage: ObjectStorage, prefix: string, everyMs = renewAfterMs) {
    this.#storage = storage
    this.#key = `${prefix}lease`
    this.#timer = setInterval(() => this.#renew(), everyMs).unref()
  }

  /** Resolves when nothing is written any more. */
  async end(): Promise<void> {
    clearInterval(this.#timer)
    await this.#renewing
  }

  /** Where that does not work, the next one may. */
  #renew(): void {
    this.#renewing = this.#renewing.then(() => this.#storage.put(this.#key, "")).catch(() => {})
  }
}
