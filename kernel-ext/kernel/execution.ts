import { explainingDepth } from "./cells/nesting.ts"
import { inCell, tellCellEnd } from "./current-cell.ts"
import { interrupted, KeyboardInterrupt } from "./keyboard-interrupt.ts"
import { later } from "./later.ts"
import type { Publisher } from "./publish.ts"
import { isAtTerminal } from "./terminal.ts"
import type { Cell, CellOutcome, Interpreter } from "./types.ts"
import type { Message } from "./wire.ts"

/** What is known of interrupts before this thread is told of one by an event. */
export interface AskedInterrupts {
  isInterruptAsked(): boolean
  obeyedAsked(): void
}

/** The request behind a cell. */
export interface CellRequest {
  readonly message: Message
  readonly allowStdin: boolean
}

/**
 * Runs cells, one at a time, and interrupts them.
 *
 * An interrupt may end any JavaScript on this thread at any point, and V8 then forgets the promise reactions that were due. So what
 * leads from the end of a cell to its reply hangs on events of the loop and not on promises of the cell.
 */
export class Execution {
  readonly #publisher: Publisher
  readonly #asked: AskedInterrupts
  readonly #requests = new WeakMap<Cell, CellRequest>()
  #newest: Cell | undefined
  #running:
    | {
        readonly cell: Cell
        readonly controller: AbortController
        readonly end: (outcome: CellOutcome) => void
        readonly onEnd: (() => void)[]
      }
    | undefined

  constructor(publisher: Publisher, asked: AskedInterrupts) {
    this.#publisher = publisher
    this.#asked = asked
  }

  /** The cell that was started last; code that belongs to no cell writes there. */
  get newest(): Cell | undefined {
    return this.#newest
  }

  get running(): Cell | undefined {
    return this.#running?.cell
  }

  requestOf(cell: Cell | undefined): CellRequest | undefined {
    const chosen = cell ?? this.#newest
    return chosen === undefined ? undefined : this.#requests.get(chosen)
  }

  /** Runs `code` as a cell of this request, and calls `ended`, as an event of its own, when it has ended. */
  run(
    interpreter: Interpreter,
    code: string,
    request: CellRequest,
    options: { readonly executionCount: number; readonly silent: boolean },
    ended: (outcome: CellOutcome) => void,
  ): void {
    const { message } = request
    const controller = new AbortController()
    const cell: Cell = {
      id: message.header.msg_id,
      executionCount: options.executionCount,
      silent: options.silent,
      atTerminal: isAtTerminal(request),
      output: this.#publisher.outputOf(message.header),
      signal: controller.signal,
      isInterrupted: () =>
        controller.signal.aborted || (this.#running?.cell === cell && this.#asked.isInterruptAsked()),
    }
    this.#requests.set(cell, request)
    this.#newest = cell
    this.#publisher.began(message.header)
    const end = (outcome: CellOutcome) => {
      if (this.#running?.cell !== cell) return
      const { onEnd } = this.#running
      this.#running = undefined
      this.#publisher.ended()
      const isInterrupt = outcome.status === "error" && outcome.error.name === interrupted().name
      const wasInterrupted = outcome.status === "error" && (controller.signal.aborted || isInterrupt)
      later(() => tellCellEnd(cell))
      // Before all else, because listeners of the signal may be the user's.
      later(() => ended(wasInterrupted ? { status: "error", error: interrupted() } : outcome))
      for (const listener of onEnd) later(listener)
      if (!wasInterrupted) return
      // The next cell has nothing to do with it.
      if (this.#asked.isInterruptAsked()) this.#asked.obeyedAsked()
      // What the cell has started is to end, too.
      controller.abort(new KeyboardInterrupt())
    }
    this.#running = { cell, controller, end, onEnd: [] }
    later(() => {
      inCell(cell, () => interpreter.run(code, cell)).then(end, (error: unknown) =>
        end({ status: "error", error: interpreter.explain(explainingDepth(error)) }),
      )
    })
  }

  /**
   * Asks the running cell to end and calls `ended` when none runs any more. `insist` ends it for all that concerns the
   * kernel, whatever its code does.
   */
  interrupt(insist: boolean, ended: () => void): void {
    if (this.#running === undefined) {
      ended()
      return
    }
    const { controller, end, onEnd } = this.#running
    onEnd.push(ended)
    if (insist) end({ status: "error", error: interrupted() })
    else controller.abort(new KeyboardInterrupt())
  }
}
