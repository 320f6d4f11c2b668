import { Widget } from "@lumino/widgets"
import { formatCount, settledCount } from "../../../kernel-ext/protocol/job-words.ts"
import { element, setText } from "../view/dom.ts"
import type { JobList } from "./job-list.ts"

/** What runs now, in the status bar; nothing is said while nothing runs. */
export class StatusItem extends Widget {
  readonly #list: JobList
  readonly #button: HTMLButtonElement
  readonly #stop: () => void

  constructor(list: JobList, open: () => void, title: string) {
    super()
    this.#list = list
    this.#button = element("button", "cellfan-StatusItem", { type: "button", title })
    this.#button.addEventListener("click", open)
    this.node.append(this.#button)
    this.#stop = list.observe(() => this.#update())
    this.#update()
  }

  override dispose(): void {
    this.#stop()
    super.dispose()
  }

  #update(): void {
    const running = this.#list.jobs.filter(({ job }) => job.endedAtMs === null)
    const size = running.reduce((sum, { job }) => sum + job.size, 0)
    const settled = running.reduce((sum, { job }) => sum + settledCount(job.counts), 0)
    const failed = running.reduce((sum, { job }) => sum + job.counts.failed, 0)
    const jobs = `${running.length} ${running.length === 1 ? "job" : "jobs"}`
    const failures = failed === 0 ? "" : `, ${formatCount(failed)} failed`
    const words = `${jobs}: ${formatCount(settled)} of ${formatCount(size)} tasks${failures}`
    setText(this.#button, running.length === 0 ? "" : words)
    this.setHidden(running.length === 0)
  }
}
