import { log } from "../log.ts"
import { type InterruptEvent, type Phase, type Said, step } from "./interruption.ts"
import { Board, type ToMain } from "./link.ts"
import { terminateMainThread } from "./rescue.ts"

/** How often we look whether the main thread has heard and obeyed. */
const LOOK_EVERY_MS = 5

/** Interrupts the main thread with as little force as is needed: interruption.ts says in which steps, and this takes them. */
export class Interrupts {
  readonly #board: Int32Array
  readonly #toMain: (message: ToMain) => void
  /** Folders of files that are not the user's; see rescue.ts. */
  readonly #own: readonly string[]
  #phase: Phase = { kind: "idle" }
  /** Interrupts so far. The main thread writes the number of the one it has obeyed on the board. */
  #newest = 0
  /** How often it was told. It writes there too what it has heard. */
  #told = 0
  #timer: NodeJS.Timeout | undefined

  constructor(board: Int32Array, toMain: (message: ToMain) => void, own: readonly string[]) {
    this.#board = board
    this.#toMain = toMain
    this.#own = own
  }

  get isIdle(): boolean {
    return this.#phase.kind === "idle"
  }

  /** Whether an interrupt was asked for that is not obeyed yet. */
  get isUnderWay(): boolean {
    return Atomics.load(this.#board, Board.obeyed) < this.#newest
  }

  interrupt(): void {
    // An interrupt that was obeyed just now is none that this one could be part of.
    this.#look()
    if (this.#phase.kind === "idle") Atomics.store(this.#board, Board.asked, ++this.#newest)
    this.#take({ kind: "asked" })
  }

  #take(event: InterruptEvent): void {
    const { phase, action } = step(this.#phase, event, performance.now())
    this.#phase = phase
    if (phase.kind === "told" || phase.kind === "heard")
      this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS)
    else {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    switch (action) {
      case "none":
        return
      case "tell":
      case "insist":
        this.#toMain({
          kind: "interrupt",
          id: this.#newest,
          told: ++this.#told,
          insist: action === "insist",
        })
        return
      case "rescue":
        void this.#rescue()
        return
      case "give up":
        log(
          "The running code could not be interrupted: it is in native code, or starts again each time it ends",
        )
        return
      default:
        action satisfies never
    }
  }

  #look(): void {
    this.#take({ kind: "looked", said: this.#said() })
  }

  #said(): Said {
    if (Atomics.load(this.#board, Board.obeyed) >= this.#newest) return "obeyed"
    return this.#isHeard() ? "heard" : "nothing"
  }

  async #rescue(): Promise<void> {
    let touched = true
    try {
      const rescue = await terminateMainThread(() => !this.#isHeard(), this.#board, this.#own)
      touched = rescue !== "left alone"
    } catch (error) {
      log(`Interrupt: ${String(error)}`)
    }
    this.#take({ kind: "rescued", touched, said: this.#said() })
  }

  #isHeard(): boolean {
    return Atomics.load(this.#board, Board.heard) >= this.#told
  }
}
