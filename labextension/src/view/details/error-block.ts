import type { TaskDetails } from "../../../../kernel-ext/protocol/job-view.ts"
import { element } from "../dom.ts"
import { stackLines } from "./stack.ts"

export type OpenCell = (label: string, line: number, column: number) => void

/** Why a task failed: name, message, and the stack, whose places in cells can be clicked. */
export class ErrorBlock {
  readonly node = element("div", "cellfan-Error")
  readonly #openCell: OpenCell | undefined
  #shown = ""

  constructor(openCell: OpenCell | undefined) {
    this.#openCell = openCell
  }

  show(error: TaskDetails["error"]): void {
    const key = error === undefined ? "" : `${error.name}: ${error.message}\n${error.stack}`
    if (key === this.#shown) return
    this.#shown = key
    if (error === undefined) {
      this.node.replaceChildren()
      return
    }
    const name = element("strong", "", {}, error.name)
    const lines = stackLines(error, this.#openCell)
    this.node.replaceChildren(
      element("div", "cellfan-Error-head", {}, name, `: ${error.message}`),
      ...(lines.length === 0 ? [] : [element("pre", "cellfan-Stack", {}, ...lines)]),
    )
  }
}
