import { log } from "../log.ts"
import { Board, type ToMain } from "./link.ts"
import { terminateMainThread } from "./rescue.ts"

/**
 * Sees to it that code of interrupted cells keeps the kernel from nothing.
 *
 * What such a cell left behind goes on when its time comes: a timer fires, a file has been read. If that is an endless loop, nobody
 * interrupts it, because its cell is over. So from the first interrupt on the main thread is asked now and then whether it serves its
 * events, and where it does not, what it does is ended if it belongs to an interrupted cell. Other code may take as long as it likes.
 */

const LOOK_EVERY_MS = 250
/** How often in a row it must not have answered. */
const UNHEARD_LOOKS = 2

interface Waiting {
  /** Whether the main thread is being interrupted, by whoever does that. */
  isInterrupting(): boolean
  readonly toMain: (message: ToMain) => void
}

export class Lingering {
  readonly #board: Int32Array
  readonly #own: readonly string[]
  readonly #waiting: Waiting
  #timer: NodeJS.Timeout | undefined
  /** How often we have asked. The main thread writes the number of the newest question on the board. */
  #asked = 0
  #unheard = 0
  #isEnding = false

  constructor(board: Int32Array, own: readonly string[], waiting: Waiting) {
    this.#board = board
    this.#own = own
    this.#waiting = waiting
  }

  begin(): void {
    this.#timer ??= setInterval(() => void this.#look(), LOOK_EVERY_MS).unref()
  }

  async #look(): Promise<void> {
    if (this.#isEnding || this.#waiting.isInterrupting()) return
    if (!this.#isBusy()) {
      this.#unheard = 0
      this.#waiting.toMain({ kind: "asked", id: ++this.#asked })
      return
    }
    this.#unheard++
    // A look costs the work that is left alone some time: less and less often.
    if (this.#unheard < UNHEARD_LOOKS || !isPowerOfTwo(this.#unheard)) return
    this.#isEnding = true
    await this.#end()
    this.#isEnding = false
  }

  async #end(): Promise<void> {
    try {
      const isBusy = () => this.#isBusy()
      const rescue = await terminateMainThread(isBusy, this.#board, this.#own, "an interrupted cell's")
      if (rescue === "terminated") this.#unheard = 0
    } catch (error) {
      log(`Ending what an interrupted cell left: ${String(error)}`)
    }
  }

  #isBusy(): boolean {
    return Atomics.load(this.#board, Board.answeredTo) < this.#asked
  }
}

function isPowerOfTwo(count: number): boolean {
  return (count & (count - 1)) === 0
}
