import type { JobSummary } from "../../../kernel-ext/protocol/job-view.ts"
import { formatCount } from "../../../kernel-ext/protocol/job-words.ts"
import { button, element, setShown } from "./dom.ts"

/** The first failures in words: why it failed, without a click. Each line opens its task. */
export class FailureList {
  readonly node = element("div", "cellfan-Failures")
  readonly #open: (task: number) => void
  readonly #next: () => void
  #shown = ""

  constructor(open: (task: number) => void, next: () => void) {
    this.#open = open
    this.#next = next
    this.node.hidden = true
  }

  update(job: JobSummary, opened: number | undefined): void {
    const key = `${job.counts.failed} ${opened} ${job.failures.map(({ index, message }) => `${index} ${message}`).join("\n")}`
    if (key === this.#shown) return
    this.#shown = key
    // A single failure that is open says it all below.
    setShown(this.node, job.failures.length > 0 && !(job.counts.failed === 1 && opened !== undefined))
    const lines = job.failures.map(({ index, name, message }) => {
      const line = button("cellfan-Failure", "", `Open task ${index}`, () => this.#open(index))
      line.append(
        element("span", "cellfan-Failure-task", {}, `task ${formatCount(index)}`),
        element("span", "cellfan-Failure-words", {}, `${name}: ${message.split("\n", 1)[0] ?? ""}`),
      )
      line.classList.toggle("cellfan-mod-open", index === opened)
      return line
    })
    const more = job.counts.failed - job.failures.length
    if (more > 0) {
      const text = `and ${formatCount(more)} more: open the next`
      lines.push(button("cellfan-mod-link", text, "Open the next task that failed (F)", this.#next))
    }
    this.node.replaceChildren(...lines)
  }
}
