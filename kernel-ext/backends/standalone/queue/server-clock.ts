/** Clocks that are no further apart are left as they are: how long an answer takes says no more than that. */
const trustedMs = 1000

/** How often it is looked at again: clocks are set. */
export const lookEveryMs = 60_000

/**
 * The clock of the queue's server, by which all times on the wire are: machines and kernels may have clocks that are minutes apart. What
 * runs on one machine is measured there.
 */
export class ServerClock {
  /** By how much it is ahead of ours. */
  #aheadMs = 0

  /** @param tookMs How long it was under way from our question to its answer. */
  heard(serverMs: number, tookMs: number): void {
    if (!Number.isFinite(serverMs)) return
    const aheadMs = serverMs - (Date.now() - tookMs / 2)
    this.#aheadMs = Math.abs(aheadMs) - tookMs < trustedMs ? 0 : aheadMs
  }

  /** A time of ours, as it stands on the wire. */
  onWire = (ms: number): number => ms + this.#aheadMs

  /** A time that came by the wire, as ours. */
  here = (ms: number): number => ms - this.#aheadMs
}
