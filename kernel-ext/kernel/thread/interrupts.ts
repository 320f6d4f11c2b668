import { log } from "../log.ts"
import { Board } from "./link.ts"
import { terminateMainThread } from "./rescue.ts"

/**
 * Interrupts the main thread, with as little force as is needed:
 *
 * 1. It is told. If it serves its events, that is all: the running cell ends, what it awaits is left alone.
 * 2. The cell does not end: SIGINT, which ends a loop within the cell's own `vm` call.
 * 3. It still does not end: V8 terminates the running JavaScript (rescue.ts), unless none of it is the user's: the kernel's own
 *    work, such as loading the compiler, comes to its end and the main thread then hears what it was told.
 */

const PATIENCE_MS = 120
const PATIENCE_AFTER_SIGNAL_MS = 200
/** How often the third step is taken before we give up, so that code that was terminated and loops again is ended too. */
const RESCUES = 20

export class Interrupts {
  readonly #board: Int32Array
  readonly #tell: (id: number) => void
  /** Folders of files that are not the user's; see rescue.ts. */
  readonly #own: readonly string[]
  #newest = 0
  #running: Promise<void> | undefined

  constructor(board: Int32Array, tell: (id: number) => void, own: readonly string[]) {
    this.#board = board
    this.#own = own
    this.#tell = tell
  }

  /** Resolves when the main thread serves its events again, or nothing more can be done. */
  interrupt(): Promise<void> {
    this.#tell(++this.#newest)
    this.#running ??= this.#force().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #force(): Promise<void> {
    if (await this.#obeyed(PATIENCE_MS)) return
    // On Windows this would end the process.
    if (process.platform !== "win32") {
      Atomics.add(this.#board, Board.ownSignals, 1)
      process.kill(process.pid, "SIGINT")
      if (await this.#obeyed(PATIENCE_AFTER_SIGNAL_MS)) return
    }
    for (let left = RESCUES; left > 0; ) {
      const rescue = await terminateMainThread(() => !this.#isObeyed(), { own: this.#own }).catch((error) =>
        log(`Interrupt: ${String(error)}`),
      )
      if (rescue !== "left alone") left--
      if (rescue === "terminated") Atomics.store(this.#board, Board.terminated, 1)
      // Again, because what was terminated may have been on its way to hear it.
      this.#tell(this.#newest)
      if (await this.#obeyed(PATIENCE_AFTER_SIGNAL_MS)) return
    }
    log(
      "The running code could not be interrupted: it is in native code, or is started again each time it ends",
    )
  }

  async #obeyed(withinMs: number): Promise<boolean> {
    const endMs = performance.now() + withinMs
    while (!this.#isObeyed()) {
      if (performance.now() > endMs) return false
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return true
  }

  #isObeyed(): boolean {
    return Atomics.load(this.#board, Board.obeyed) >= this.#newest
  }
}
