import type { JobSummary, TaskDetails } from "../../../kernel-ext/protocol/job-view.ts"
import { formatDuration } from "../../../kernel-ext/protocol/job-words.ts"
import { isSettled } from "../../../kernel-ext/protocol/task.ts"
import { button, element, setShown, setText } from "./dom.ts"
import { stackLines } from "./stack.ts"

export interface DetailsHandlers {
  close(): void
  /** To the task before or after. */
  step(step: 1 | -1): void
  cancel(task: number): void
  retry(task: number): void
  /** Shows a line of a cell; absent where there are no cells to show. */
  openCell: ((label: string, line: number, column: number) => void) | undefined
}

/** One task, opened: what it got and gave, what went wrong, what it wrote, when it ran. */
export class DetailsView {
  readonly node: HTMLElement
  readonly #handlers: DetailsHandlers
  readonly #square = element("span", "cellfan-Details-square", { "aria-hidden": "true" })
  readonly #title = element("span", "cellfan-Details-title")
  readonly #facts = element("span", "cellfan-Details-facts")
  readonly #times = element("div", "cellfan-Times", { "aria-hidden": "true" })
  readonly #fields = element("dl", "cellfan-Fields")
  readonly #error = element("div", "cellfan-Error")
  readonly #log = element("pre", "cellfan-Log", { tabindex: "0", "aria-label": "What the task wrote" })
  readonly #cancel: HTMLButtonElement
  readonly #retry: HTMLButtonElement
  #index = -1
  /** Whether the kernel has told about the task that is open. */
  known = false
  #shownError = ""
  #shownLog = ""

  constructor(handlers: DetailsHandlers) {
    this.#handlers = handlers
    this.#cancel = button("", "Cancel task", "Cancel only this task", () => handlers.cancel(this.#index))
    this.#retry = button("", "Retry task", "Run only this task again", () => handlers.retry(this.#index))
    this.node = element(
      "section",
      "cellfan-Details",
      { "aria-label": "Task details", tabindex: "-1" },
      element(
        "div",
        "cellfan-Details-head",
        {},
        this.#square,
        this.#title,
        this.#facts,
        element("span", "cellfan-Spacer"),
        this.#cancel,
        this.#retry,
        button("cellfan-mod-icon", "‹", "Task before", () => handlers.step(-1)),
        button("cellfan-mod-icon", "›", "Task after", () => handlers.step(1)),
        button("cellfan-mod-icon", "×", "Close details", () => handlers.close()),
      ),
      this.#times,
      this.#fields,
      this.#error,
      this.#log,
    )
    this.node.hidden = true
    this.node.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return
      event.stopPropagation()
      handlers.close()
    })
  }

  /** What is known before, or without, the kernel's answer. */
  open(index: number, state: TaskDetails["state"], job: JobSummary, live: boolean): void {
    if (this.#index === index && !this.node.hidden) return
    this.#index = index
    this.known = false
    this.#head(index, state, live ? "" : "only what the notebook saved is known")
    this.#fields.replaceChildren()
    this.#times.replaceChildren()
    this.#showLog([], false)
    const failure = job.failures.find((one) => one.index === index)
    this.#showError(failure && { ...failure, stack: "" })
    setShown(this.#cancel, false)
    setShown(this.#retry, false)
    setShown(this.node, true)
  }

  close(): void {
    this.#index = -1
    setShown(this.node, false)
  }

  show(task: TaskDetails, job: JobSummary, nowMs: number): void {
    if (task.index !== this.#index) return
    this.known = true
    const facts = [
      task.attempt > 1 ? `attempt ${task.attempt}` : undefined,
      task.startedAtMs === undefined
        ? undefined
        : `ran ${formatDuration((task.endedAtMs ?? nowMs) - task.startedAtMs)}`,
      task.worker === undefined ? undefined : `on ${task.worker}`,
    ]
    this.#head(task.index, task.state, facts.filter((fact) => fact !== undefined).join(" · "))
    this.#showTimes(task, job, nowMs)
    const fields = document.createDocumentFragment()
    if (task.input !== undefined) fields.append(field("Input"), value(task.input))
    if (task.result !== undefined) fields.append(field("Result"), value(task.result))
    if (task.progress !== undefined && task.state === "running") {
      const note = task.progress.note === undefined ? "" : ` · ${task.progress.note}`
      fields.append(field("Progress"), value(`${Math.round(task.progress.fraction * 100)} %${note}`))
    }
    this.#fields.replaceChildren(fields)
    this.#showError(task.error)
    this.#showLog(task.logs, task.logsCut)
    setShown(this.#cancel, !isSettled(task.state))
    setShown(this.#retry, task.state === "failed" || task.state === "cancelled")
  }

  #head(index: number, state: string, facts: string): void {
    this.#square.dataset.state = state
    setText(this.#title, `Task ${index} · ${state}`)
    setText(this.#facts, facts)
  }

  /** Waiting and running within the whole of the job, with words for those who hover. */
  #showTimes(task: TaskDetails, job: JobSummary, nowMs: number): void {
    const end = Math.max(job.endedAtMs ?? nowMs, task.endedAtMs ?? 0)
    const span = Math.max(1, end - job.startedAtMs)
    const percent = (atMs: number) => Math.max(0, Math.min(100, ((atMs - job.startedAtMs) / span) * 100))
    const bar = (state: string, fromMs: number, toMs: number, title: string) => {
      const made = element("span", "cellfan-Times-part", { "data-state": state, title })
      made.style.left = `${percent(fromMs)}%`
      made.style.width = `max(2px, ${percent(toMs) - percent(fromMs)}%)`
      return made
    }
    const started = task.startedAtMs ?? (task.endedAtMs === undefined ? nowMs : task.endedAtMs)
    const ended = task.endedAtMs ?? nowMs
    const parts = [
      bar("queued", task.queuedAtMs, started, `waited ${formatDuration(started - task.queuedAtMs)}`),
    ]
    if (task.startedAtMs !== undefined) {
      parts.push(bar(task.state, task.startedAtMs, ended, `ran ${formatDuration(ended - task.startedAtMs)}`))
    }
    this.#times.replaceChildren(...parts)
  }

  #showError(error: TaskDetails["error"]): void {
    const key = error === undefined ? "" : `${error.name}: ${error.message}\n${error.stack}`
    if (key === this.#shownError) return
    this.#shownError = key
    if (error === undefined) {
      this.#error.replaceChildren()
      return
    }
    const head = element(
      "div",
      "cellfan-Error-head",
      {},
      element("strong", "", {}, error.name),
      `: ${error.message}`,
    )
    const lines = stackLines(error, this.#handlers.openCell)
    this.#error.replaceChildren(
      head,
      ...(lines.length === 0 ? [] : [element("pre", "cellfan-Stack", {}, ...lines)]),
    )
  }

  #showLog(logs: TaskDetails["logs"], cut: boolean): void {
    const key = `${cut}${logs.map(({ stream, text }) => stream + text).join("")}`
    if (key === this.#shownLog) return
    this.#shownLog = key
    const atEnd = this.#log.scrollTop + this.#log.clientHeight >= this.#log.scrollHeight - 4
    const pieces = logs.map(({ stream, text }) => element("span", `cellfan-Log-${stream}`, {}, text))
    if (cut) pieces.unshift(element("span", "cellfan-Log-cut", {}, "… earlier output is left out\n"))
    this.#log.replaceChildren(...pieces)
    setShown(this.#log, pieces.length > 0)
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight
  }
}

function field(name: string): HTMLElement {
  return element("dt", "", {}, name)
}

function value(text: string): HTMLElement {
  return element("dd", "", {}, text)
}
