import { endOfCredentials, type QueueAccess } from "../queue/access.ts"

/** Before its credentials end an agent stops taking tasks: results of those it runs are still to be let in. Of the time they are valid. */
const shareBefore = 0.1
const longestBeforeMs = 30 * 60 * 1000

/** What an agent is let in with at its queue's server. It ends; kernels give a new one in time. */
export class Pass {
  #credentials: QueueAccess["credentials"]
  #endsAtMs = Number.POSITIVE_INFINITY
  #drainsAtMs = Number.POSITIVE_INFINITY

  constructor(credentials: QueueAccess["credentials"]) {
    this.#credentials = credentials
    if (typeof credentials === "string") this.renew(credentials)
  }

  /** The access, with what is valid whenever a connection is made. */
  in(access: QueueAccess): QueueAccess {
    if (typeof this.#credentials !== "string") return access
    return { ...access, credentials: () => this.#credentials as string }
  }

  /** Takes new ones, unless those that it has are valid for longer. */
  renew(credentials: string): void {
    const now = Date.now()
    const endsAtMs = endOfCredentials(credentials) ?? Number.POSITIVE_INFINITY
    if (this.#endsAtMs !== Number.POSITIVE_INFINITY && endsAtMs <= this.#endsAtMs) return
    this.#credentials = credentials
    this.#endsAtMs = endsAtMs
    this.#drainsAtMs = endsAtMs - Math.min(longestBeforeMs, shareBefore * (endsAtMs - now))
  }

  /** Whether it is time to take no more tasks. */
  get isEnding(): boolean {
    return Date.now() >= this.#drainsAtMs
  }
}
