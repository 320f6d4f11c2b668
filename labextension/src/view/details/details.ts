import type { JobSummary, TaskDetails } from "../../../../kernel-ext/protocol/job-view.ts"
import { isSettled } from "../../../../kernel-ext/protocol/task.ts"
import { button, element, setShown, setText } from "../dom.ts"
import { t } from "../words.ts"
import { ErrorBlock, type OpenCell } from "./error-block.ts"
import { LogBlock } from "./log-block.ts"
import { TimesBar } from "./times-bar.ts"

/**
 * One task, opened: what it got and gave, what went wrong, what it wrote, when it ran.
 *
 *     error-block.ts   the error, and stack.ts: its stack with places to click
 *     log-block.ts     what it wrote
 *     times-bar.ts     waiting and running within the whole of the job
 */

export interface DetailsHandlers {
  close(): void
  /** To the task before or after. */
  step(step: 1 | -1): void
  cancel(task: number): void
  retry(task: number): void
  /** Wants a cell that runs the task in the kernel. */
  cell(task: number): void
  /** Shows a line of a cell; absent where there are no cells to show. */
  openCell: OpenCell | undefined
}

export class DetailsView {
  readonly node: HTMLElement
  readonly #square = element("span", "cellfan-Details-square", { "aria-hidden": "true" })
  readonly #title = element("span", "cellfan-Details-title")
  readonly #facts = element("span", "cellfan-Details-facts")
  readonly #times = new TimesBar()
  readonly #fields = element("dl", "cellfan-Fields")
  readonly #error: ErrorBlock
  readonly #log = new LogBlock()
  readonly #cancel: HTMLButtonElement
  readonly #retry: HTMLButtonElement
  readonly #cell: HTMLButtonElement
  #index = -1
  /** Whether the kernel has told about the task that is open. */
  known = false

  constructor(handlers: DetailsHandlers) {
    this.#error = new ErrorBlock(handlers.openCell)
    this.#cancel = button("", t("Cancel task"), t("Cancel only this task"), () =>
      handlers.cancel(this.#index),
    )
    this.#retry = button("", t("Retry task"), t("Run only this task again"), () =>
      handlers.retry(this.#index),
    )
    this.#cell = button(
      "",
      t("Copy as cell"),
      t("Make a cell that runs this task in the kernel, to debug it"),
      () => handlers.cell(this.#index),
    )
    this.node = element(
      "section",
      "cellfan-Details",
      { "aria-label": t("Task details"), tabindex: "-1" },
      element(
        "div",
        "cellfan-Details-head",
        {},
        this.#square,
        this.#title,
        this.#facts,
        element("span", "cellfan-Spacer"),
        this.#cell,
        this.#cancel,
        this.#retry,
        element(
          "span",
          "cellfan-Details-steps",
          {},
          button("cellfan-mod-icon", "‹", t("Task before"), () => handlers.step(-1)),
          button("cellfan-mod-icon", "›", t("Task after"), () => handlers.step(1)),
          button("cellfan-mod-icon", "×", t("Close details"), () => handlers.close()),
        ),
      ),
      this.#times.node,
      this.#fields,
      this.#error.node,
      this.#log.node,
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
    this.#head(index, state, live ? "" : t("only what the notebook saved is known"))
    this.#fields.replaceChildren()
    this.#times.clear()
    this.#log.show([], false)
    const failure = job.failures.find((one) => one.index === index)
    this.#error.show(failure && { ...failure, stack: "" })
    for (const act of [this.#cancel, this.#retry, this.#cell]) setShown(act, false)
    setShown(this.node, true)
  }

  close(): void {
    this.#index = -1
    setShown(this.node, false)
  }

  show(task: TaskDetails, job: JobSummary, nowMs: number): void {
    if (task.index !== this.#index) return
    this.known = true
    this.#head(task.index, task.state, factsOf(task))
    this.#times.show(task, job, nowMs)
    this.#fields.replaceChildren(...fieldsOf(task))
    this.#error.show(task.error)
    this.#log.show(task.logs, task.logsCut)
    setShown(this.#cancel, !isSettled(task.state))
    setShown(this.#retry, task.state === "failed" || task.state === "cancelled")
    setShown(this.#cell, true)
  }

  #head(index: number, state: string, facts: string): void {
    this.#square.dataset.state = state
    setText(this.#title, `${t("Task %1", String(index))} · ${t(state)}`)
    setText(this.#facts, facts)
  }
}

function factsOf(task: TaskDetails): string {
  const facts = [
    task.attempt > 1 ? t("attempt %1", String(task.attempt)) : undefined,
    task.worker === undefined ? undefined : t("on %1", task.worker),
  ]
  return facts.filter((fact) => fact !== undefined).join(" · ")
}

function fieldsOf(task: TaskDetails): HTMLElement[] {
  const fields: HTMLElement[] = []
  const add = (name: string, text: string) =>
    fields.push(element("dt", "", {}, name), element("dd", "", {}, text))
  if (task.input !== undefined) add(t("Input"), task.input)
  if (task.result !== undefined) add(t("Result"), task.result)
  if (task.progress !== undefined && task.state === "running") {
    const note = task.progress.note === undefined ? "" : ` · ${task.progress.note}`
    add(t("Progress"), `${Math.round(task.progress.fraction * 100)} %${note}`)
  }
  return fields
}
