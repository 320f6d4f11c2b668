import { type Lane, lanes } from "../../../protocol/queue.ts"
import type { Holding } from "./holding.ts"

/** Batches that wait for a worker: first come first within each lane, and the lanes in turns. */
export class Waiting {
  readonly #lanes: Readonly<Record<Lane, Holding[]>> = { first: [], rest: [] }
  #turn: Lane = "first"

  add(holding: Holding, lane: Lane): void {
    this.#lanes[lane].push(holding)
  }

  in(lane: Lane): number {
    return this.#lanes[lane].length
  }

  /** Undefined where none waits. */
  next(): Holding | undefined {
    const lane = this.#lanes[this.#turn].length > 0 ? this.#turn : otherThan(this.#turn)
    const holding = this.#lanes[lane].shift()
    if (holding !== undefined) this.#turn = otherThan(lane)
    return holding
  }

  /** Takes out those that came first, as long as `fits`. */
  takeWhile(fits: (holding: Holding) => boolean): Holding[] {
    return lanes.flatMap((lane) => {
      const count = this.#lanes[lane].findIndex((holding) => !fits(holding))
      return this.#lanes[lane].splice(0, count === -1 ? Number.POSITIVE_INFINITY : count)
    })
  }
}

function otherThan(lane: Lane): Lane {
  return lane === "first" ? "rest" : "first"
}
