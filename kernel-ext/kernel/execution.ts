import { inCell } from "./current-cell.ts"
import { later } from "./later.ts"
import type { Publisher } from "./publish.ts"
import type { Cell, CellOutcome, Interpreter } from "./types.ts"
import type { Message } from "./wire.ts"

/** The request behind a cell. */
export interface CellRequest {
  readonly message: Message
  readonly allowStdin: boolean
}

/** How long a cell that was interrupted may take to end by itself. */
const GRACE_MS = 50

/**
 * Runs cells, one at a time, and interrupts them.
 *
 * An interrupt may end any JavaScript on this thread at any point, and V8 then forgets the promise reactions that were due. So what
 * leads from the end of a cell to its reply hangs on events of the loop and not on promises of the cell.
 */
export class Execution {
  readonly #publisher: Publisher
  readonly #requests = new WeakMap<Cell, CellRequest>()
  #newest: Cell | undefined
  /** The cell whose `run` has not resolved yet. */
  #unresolved: Cell | undefined
  #interrupts = 0
  #running:
    | { readonly cell: Cell; readonly interrupt: () => void; readonly onEnd: (() => void)[] }
    | undefined

  constructor(publisher: Publisher) {
    this.#publisher = publisher
  }

  /** The cell that was started last; code that belongs to no cell writes there. */
  get newest(): Cell | undefined {
    return this.#newest
  }

  get running(): Cell | undefined {
    return this.#running?.cell
  }

  /** Whether a `run` is still to resolve, which it will: not even a termination prevents that. */
  get isBusy(): boolean {
    return this.#unresolved !== undefined
  }

  requestOf(cell: Cell | undefined): CellRequest | undefined {
    const chosen = cell ?? this.#newest
    return chosen === undefined ? undefined : this.#requests.get(chosen)
  }

  /** Runs `code` as a cell of this request and resolves when it has ended. */
  run(
    interpreter: Interpreter,
    code: string,
    request: CellRequest,
    options: { readonly executionCount: number; readonly silent: boolean },
  ): Promise<CellOutcome> {
    const { message } = request
    const controller = new AbortController()
    const cell: Cell = {
      id: message.header.msg_id,
      executionCount: options.executionCount,
      silent: options.silent,
      output: this.#publisher.outputOf(message.header),
      signal: controller.signal,
    }
    this.#requests.set(cell, request)
    this.#newest = cell
    this.#unresolved = cell
    return new Promise((resolve) => {
      const end = (outcome: CellOutcome) => {
        if (this.#running?.cell !== cell) return
        const { onEnd } = this.#running
        this.#running = undefined
        const interrupted = outcome.status === "error" && (controller.signal.aborted || isStopped(outcome))
        // First of all, because listeners of the signal may be the user's.
        later(() => {
          this.#unresolved = undefined
          resolve(interrupted ? keyboardInterrupt : outcome)
        })
        // A loop that SIGINT has ended: what the cell started meanwhile is to end, too.
        if (interrupted) controller.abort(keyboardInterrupt.error)
        for (const listener of onEnd) listener()
      }
      const interrupt = () => {
        controller.abort(keyboardInterrupt.error)
        // Each time another duration: Node's timers stand still if one of them was terminated, until one of a new duration is set.
        setTimeout(end, GRACE_MS + (this.#interrupts++ % 97), keyboardInterrupt)
      }
      this.#running = { cell, interrupt, onEnd: [] }
      later(() => {
        inCell(cell, () => interpreter.run(code, cell)).then(end, (error: unknown) =>
          end({ status: "error", error: interpreter.explain(error) }),
        )
      })
    })
  }

  /** Ends the running cell, and calls `ended` when none runs any more. */
  interrupt(ended: () => void = () => {}): void {
    if (this.#running === undefined) {
      ended()
      return
    }
    this.#running.onEnd.push(ended)
    this.#running.interrupt()
  }
}

const keyboardInterrupt: Extract<CellOutcome, { status: "error" }> = {
  status: "error",
  error: {
    name: "KeyboardInterrupt",
    message: "The cell was interrupted",
    traceback: ["\u001b[31mKeyboardInterrupt\u001b[39m: The cell was interrupted"],
  },
}

/** Whether SIGINT ended the cell's code: the interpreter's word for it, or Node's. */
function isStopped({ error }: Extract<CellOutcome, { status: "error" }>): boolean {
  return (
    error.name === keyboardInterrupt.error.name ||
    error.message.includes("Script execution was interrupted by `SIGINT`")
  )
}
