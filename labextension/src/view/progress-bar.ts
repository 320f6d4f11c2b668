import type { JobSummary } from "../../../kernel-ext/protocol/job-view.ts"
import type { TaskState } from "../../../kernel-ext/protocol/task.ts"
import { element } from "./dom.ts"

const order = ["done", "failed", "cancelled", "running"] as const satisfies readonly TaskState[]

/** Shares of the states as one thin bar; what failed has at least a visible width. */
export class ProgressBar {
  readonly node = element("div", "cellfan-Bar", { "aria-hidden": "true" })
  readonly #parts = order.map((state) => {
    const part = element("span", "cellfan-Bar-part", { "data-state": state })
    this.node.append(part)
    return part
  })

  update({ size, counts }: JobSummary): void {
    order.forEach((state, at) => {
      const part = this.#parts[at]
      if (part === undefined) return
      const share = size === 0 ? 0 : (counts[state] / size) * 100
      const width = share === 0 ? "0" : state === "failed" ? `max(3px, ${share}%)` : `${share}%`
      if (part.style.width !== width) part.style.width = width
    })
  }
}
