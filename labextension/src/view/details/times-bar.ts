import type { JobSummary, TaskDetails } from "../../../../kernel-ext/protocol/job-view.ts"
import { formatDuration } from "../../../../kernel-ext/protocol/job-words.ts"
import { element, setText } from "../dom.ts"
import { t } from "../words.ts"

/** How long a task waited and ran, within the whole of its job: a bar, and the same in words under it. */
export class TimesBar {
  readonly node: HTMLElement
  readonly #bar = element("div", "cellfan-Times", { "aria-hidden": "true" })
  readonly #words = element("div", "cellfan-Times-words")

  constructor() {
    this.node = element("div", "", {}, this.#bar, this.#words)
    this.node.hidden = true
  }

  clear(): void {
    this.node.hidden = true
  }

  show(task: TaskDetails, job: JobSummary, nowMs: number): void {
    const end = Math.max(job.endedAtMs ?? nowMs, task.endedAtMs ?? 0)
    const span = Math.max(1, end - job.startedAtMs)
    const percent = (atMs: number) => Math.max(0, Math.min(100, ((atMs - job.startedAtMs) / span) * 100))
    const part = (state: string, fromMs: number, toMs: number) => {
      const made = element("span", "cellfan-Times-part", { "data-state": state })
      made.style.left = `${percent(fromMs)}%`
      made.style.width = `max(3px, ${percent(toMs) - percent(fromMs)}%)`
      return made
    }
    const started = task.startedAtMs ?? task.endedAtMs ?? nowMs
    const ended = task.endedAtMs ?? nowMs
    const parts = [part("queued", task.queuedAtMs, started)]
    const words = [t("waited %1", formatDuration(started - task.queuedAtMs))]
    if (task.startedAtMs !== undefined) {
      parts.push(part(task.state, task.startedAtMs, ended))
      words.push(t("ran %1", formatDuration(ended - task.startedAtMs)))
    }
    words.push(t("the whole job %1", formatDuration(span)))
    this.#bar.replaceChildren(...parts)
    setText(this.#words, words.join(" · "))
    this.node.hidden = false
  }
}
