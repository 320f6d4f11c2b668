import type { JobFailure, JobSummary } from "../../../kernel-ext/protocol/job-view.ts"
import { formatCount } from "../../../kernel-ext/protocol/job-words.ts"
import { button, element, setShown } from "./dom.ts"
import { t } from "./words.ts"

/** The first failures in words, equal ones in one line: why it failed, without a click. */
export class FailureList {
  readonly node = element("div", "cellfan-Failures", { role: "group", "aria-label": t("Tasks that failed") })
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
    const lines = [...byWords(job.failures)].map(([words, indices]) => this.#line(words, indices, opened))
    const more = job.counts.failed - job.failures.length
    if (more > 0) {
      const text = t("and %1 more: open the next", formatCount(more))
      lines.push(
        element(
          "div",
          "cellfan-Failures-more",
          {},
          button("cellfan-mod-link", text, t("Open the next task that failed (F)"), this.#next),
        ),
      )
    }
    this.node.replaceChildren(...lines)
  }

  #line(words: string, indices: readonly number[], opened: number | undefined): HTMLElement {
    const tasks = indices.map((index) => {
      const link = button("cellfan-mod-link", String(index), t("Open task %1", String(index)), () =>
        this.#open(index),
      )
      if (index === opened) link.setAttribute("aria-current", "true")
      return link
    })
    const label = `${indices.length === 1 ? t("Task") : t("Tasks")} `
    const links = tasks.flatMap((task, at) => (at === 0 ? [task] : [" ", task]))
    return element(
      "div",
      "cellfan-Failure",
      {},
      element("span", "cellfan-Failure-tasks", {}, label, ...links),
      element("span", "cellfan-Failure-words", { title: words }, words),
    )
  }
}

function byWords(failures: readonly JobFailure[]): Map<string, number[]> {
  const groups = new Map<string, number[]>()
  for (const { index, name, message } of failures) {
    const words = `${name}: ${message.split("\n", 1)[0] ?? ""}`
    groups.set(words, [...(groups.get(words) ?? []), index])
  }
  return groups
}
