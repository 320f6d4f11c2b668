import type { TaskDetails } from "../../../kernel-ext/protocol/job-view.ts"
import { formatDuration } from "../../../kernel-ext/protocol/job-words.ts"
import type { TaskState } from "../../../kernel-ext/protocol/task.ts"
import { element, setShown, setText } from "./dom.ts"
import { t } from "./words.ts"

/** What the pointer rests on: index and state at once, duration and input when the kernel has said them. */
export class Tooltip {
  readonly node: HTMLElement
  readonly #title = element("div", "cellfan-Tip-title")
  readonly #more = element("div", "cellfan-Tip-more")
  #task: number | undefined

  constructor() {
    this.node = element("div", "cellfan-Tip", { "aria-hidden": "true" }, this.#title, this.#more)
    this.node.hidden = true
  }

  get task(): number | undefined {
    return this.#task
  }

  hide(): void {
    this.#task = undefined
    setShown(this.node, false)
  }

  /** `x`, `y` in the box the tip stands in. */
  show(task: number, state: TaskState, x: number, y: number): void {
    if (task !== this.#task) setText(this.#more, "")
    this.#task = task
    setText(this.#title, `${t("Task %1", String(task))} · ${t(state)}`)
    setShown(this.node, true)
    const width = this.node.parentElement?.clientWidth ?? 0
    this.node.style.left = `${Math.max(0, Math.min(x + 14, width - this.node.offsetWidth - 4))}px`
    this.node.style.top = `${y + 16}px`
  }

  describe(task: TaskDetails, nowMs: number): void {
    if (task.index !== this.#task) return
    const parts: string[] = []
    if (task.startedAtMs !== undefined)
      parts.push(formatDuration((task.endedAtMs ?? nowMs) - task.startedAtMs))
    if (task.input !== undefined) parts.push(cut(task.input, 80))
    setText(this.#more, parts.join(" · "))
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
