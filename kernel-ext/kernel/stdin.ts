import { currentCell } from "./current-cell.ts"
import type { HelperThread } from "./thread/client.ts"
import type { Answer } from "./thread/link.ts"
import type { Cell } from "./types.ts"
import type { Message, Outgoing } from "./wire.ts"

/** Asks the person at the front end: what `input`, `prompt` and `password` do in cells. */

/** Thrown where the client that sent the cell cannot be asked: a notebook that is run without anyone looking. */
export class StdinNotImplementedError extends Error {
  override readonly name = "StdinNotImplementedError"
}

/** Thrown out of a question that the user interrupts. */
export class KeyboardInterrupt extends Error {
  override readonly name = "KeyboardInterrupt"
}

/** The request to ask through: that of this cell, or of the newest. */
export type Asker = (
  cell: Cell | undefined,
) => { readonly message: Message; readonly allowStdin: boolean } | undefined

export class Stdin {
  readonly #helper: HelperThread
  readonly #asker: Asker
  /** Questions in the order they were asked; the first is the one the user sees. */
  readonly #waiting: { ask(): void; settle(answer: Answer): void }[] = []

  constructor(helper: HelperThread, asker: Asker) {
    this.#helper = helper
    this.#asker = asker
  }

  /** Asks for a line of text; cells go on with other work meanwhile. */
  readonly input = (text = ""): Promise<string> => this.#ask(text, false)

  /** As `input`, and what is typed is not shown. */
  readonly password = (text = ""): Promise<string> => this.#ask(text, true)

  /** Asks as browsers do: nothing else runs until there is an answer. Empty answers give `defaultValue`. */
  readonly prompt = (text = "", defaultValue?: string): string => {
    const { message } = this.#permitted()
    const answer = this.#helper.askAndWait(message.identities, question(message, text, false))
    if ("interrupted" in answer) throw new KeyboardInterrupt("The question was interrupted")
    return answer.value === "" ? (defaultValue ?? "") : answer.value
  }

  /** The user's answer to the first question. */
  answered(answer: Answer): void {
    this.#waiting.shift()?.settle(answer)
    this.#waiting[0]?.ask()
  }

  /** Ends all open questions. */
  interrupt(): void {
    for (const { settle } of this.#waiting.splice(0)) settle({ interrupted: true })
  }

  #permitted() {
    const asker = this.#asker(currentCell())
    if (asker?.allowStdin) return asker
    throw new StdinNotImplementedError(
      "Nobody can be asked: this cell was sent by a client that takes no questions (allow_stdin is false)",
    )
  }

  async #ask(text: string, password: boolean): Promise<string> {
    const { message } = this.#permitted()
    const answer = await new Promise<Answer>((settle) => {
      const ask = () => this.#helper.ask(message.identities, question(message, text, password))
      this.#waiting.push({ ask, settle })
      if (this.#waiting.length === 1) ask()
    })
    if ("interrupted" in answer) throw new KeyboardInterrupt("The question was interrupted")
    return answer.value
  }
}

function question(request: Message, text: string, password: boolean): Outgoing {
  const content = JSON.stringify({ prompt: String(text), password })
  return { type: "input_request", parent: request.header, content }
}
