import {
  formatCount,
  type JobStatus,
  jobStatus,
  placeWords,
  trafficWords,
} from "../../../kernel-ext/protocol/job-words.ts"
import type { JobModel } from "../model/job-model.ts"
import { button, element, setShown, setText, setTitle } from "./dom.ts"
import { numbersTitle, numberWords } from "./numbers.ts"
import { t } from "./words.ts"

export interface HeadHandlers {
  cancel(): void
  retry(): void
  /** Opens or closes the only task of a job that has but one. */
  toggleTask(): void
}

/** "stopped": it had not ended when its kernel went. */
export type ShownStatus = JobStatus | "stopped"

export function shownStatus({ summary, liveness }: JobModel): ShownStatus {
  return summary.endedAtMs === null && liveness !== "live" ? "stopped" : jobStatus(summary)
}

/** A second click within this time would say nothing new: the button goes when the kernel has done it. */
const cancelRestMs = 1500

/** First line of a job: what it is, how far it is, and what can be done with it. */
export class Head {
  readonly node: HTMLElement
  readonly #mark = element("span", "cellfan-Mark", { "aria-hidden": "true" })
  readonly #name = element("span", "cellfan-Name")
  readonly #place = element("span", "cellfan-Place")
  readonly #traffic = element("span", "cellfan-Traffic")
  readonly #numbers = element("span", "cellfan-Numbers")
  readonly #more: HTMLButtonElement
  readonly #retry: HTMLButtonElement
  readonly #cancel: HTMLButtonElement
  #rest: ReturnType<typeof setTimeout> | undefined

  constructor(handlers: HeadHandlers) {
    this.#more = button("cellfan-mod-more", t("Details"), t("Show the task"), () => handlers.toggleTask())
    this.#retry = button("", "", t("Run again what failed or was cancelled"), () => handlers.retry())
    this.#cancel = button("cellfan-mod-cancel", t("Cancel"), t("Cancel what has not ended"), () => {
      handlers.cancel()
      this.#cancel.disabled = true
      this.#rest = setTimeout(() => {
        this.#cancel.disabled = false
      }, cancelRestMs)
    })
    this.node = element(
      "div",
      "cellfan-Head",
      {},
      this.#mark,
      this.#name,
      this.#place,
      this.#traffic,
      element("span", "cellfan-Spacer"),
      this.#numbers,
      this.#more,
      this.#retry,
      this.#cancel,
    )
  }

  dispose(): void {
    clearTimeout(this.#rest)
  }

  update(model: JobModel): void {
    const { summary, liveness } = model
    const status = shownStatus(model)
    if (this.#mark.dataset.status !== status) this.#mark.dataset.status = status
    const place = placeWords(summary, t)
    setText(this.#name, summary.name)
    setTitle(this.#name, summary.name)
    setText(this.#place, place)
    setTitle(this.#place, place)
    setText(this.#traffic, trafficWords(summary, t) ?? "")
    setText(this.#numbers, numberWords(model))
    setTitle(this.#numbers, numbersTitle(model))
    setShown(this.#more, summary.sized && summary.size === 1)
    setShown(this.#cancel, status === "running")
    const again = summary.counts.failed + summary.counts.cancelled
    setShown(this.#retry, liveness === "live" && again > 0 && summary.endedAtMs !== null)
    setText(this.#retry, t(again === 1 ? "Retry %1 task" : "Retry %1 tasks", formatCount(again)))
  }
}
