import type { Backend } from "../backends/backend.ts"
import type { Flight } from "./flight.ts"

/** Taking tasks back from a worker pays if they would wait at least this long. */
const worthTakingBackMs = 2

/** How soon to look again whether waiting tasks are worth taking back. */
const lookAgainMs = 10

/** Has workers that have nothing to do take over what waits behind others. */
export class Rebalancer {
  readonly #backend: Backend
  readonly #flights: ReadonlySet<Flight>
  #timer: NodeJS.Timeout | undefined

  constructor(backend: Backend, flights: ReadonlySet<Flight>) {
    this.#backend = backend
    this.#flights = flights
  }

  look(): void {
    if (!this.#backend.supports.takeBack || this.#flights.size === 0 || this.#timer !== undefined) return
    let idle = this.#backend.idle
    if (idle === 0) return
    let later = false
    const waiting = [...this.#flights].filter(
      (flight) => (flight.handle?.waiting ?? 0) > 0 && !flight.takenBack,
    )
    waiting.sort((a, b) => b.waitingMs - a.waitingMs)
    for (const flight of waiting) {
      if (idle === 0) break
      if (flight.waitingMs < worthTakingBackMs && flight.silentMs < lookAgainMs) {
        later = true
        continue
      }
      idle--
      flight.takenBack = true
      flight.handle?.takeBack()
    }
    if (later) this.#lookLater()
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.look()
    }, lookAgainMs)
    this.#timer.unref()
  }
}
