import type { Request } from "./request.ts"

/**
 * A request that is being worked at.
 *
 * Where an interrupt ends user's code that the kernel's own work had called, or drops the promise reactions of the moment, the work
 * does not go on. It can be told: work that goes on is either on the stack or waits for an event.
 */
export class Work {
  readonly request: Request
  /** There was a reply, and there is to be no second. */
  isAnswered = false
  #waits = 0

  constructor(request: Request) {
    this.request = request
  }

  /** Waits for what `start` will call, which must be an event of the loop's own and come whatever happens to promises. */
  event<T>(start: (come: (value: T) => void) => void): Promise<T> {
    this.#waits++
    return new Promise((resolve) => {
      start((value) => {
        this.#waits--
        resolve(value)
      })
    })
  }

  /** For an event that is none of this work's: whether nothing will take it on any more. */
  get isLost(): boolean {
    return this.#waits === 0
  }
}
