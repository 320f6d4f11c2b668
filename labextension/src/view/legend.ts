import type { JobSummary } from "../../../kernel-ext/protocol/job-view.ts"
import { formatCount } from "../../../kernel-ext/protocol/job-words.ts"
import { type TaskState, taskStates } from "../../../kernel-ext/protocol/task.ts"
import { element, setShown, setText } from "./dom.ts"
import { t } from "./words.ts"

/** Counts by state, each a button that leaves only its tasks in full colour. */
export class Legend {
  readonly node = element("div", "cellfan-Legend", {
    role: "group",
    "aria-label": t("Show only tasks in one state"),
  })
  readonly #chips = new Map<TaskState, { chip: HTMLButtonElement; count: HTMLElement }>()
  readonly #choose: (state: TaskState | undefined) => void
  #chosen: TaskState | undefined

  constructor(choose: (state: TaskState | undefined) => void) {
    this.#choose = choose
    for (const state of ["done", "running", "queued", "failed", "cancelled"] as const) {
      const count = element("span", "cellfan-Chip-count")
      const chip = element(
        "button",
        "cellfan-Chip",
        {
          type: "button",
          "aria-pressed": "false",
          "data-state": state,
          title: t("Show only what is %1", t(state)),
        },
        element("span", "cellfan-Chip-square", { "aria-hidden": "true" }),
        count,
        element("span", "", {}, ` ${t(state)}`),
      )
      chip.addEventListener("click", () => this.#toggle(state))
      this.#chips.set(state, { chip, count })
      this.node.append(chip)
    }
  }

  update(counts: JobSummary["counts"]): void {
    for (const state of taskStates) {
      const shown = this.#chips.get(state)
      if (shown === undefined) continue
      setText(shown.count, formatCount(counts[state]))
      setShown(shown.chip, counts[state] > 0 || this.#chosen === state)
    }
  }

  #toggle(state: TaskState): void {
    this.#chosen = this.#chosen === state ? undefined : state
    for (const [own, { chip }] of this.#chips) chip.setAttribute("aria-pressed", String(own === this.#chosen))
    this.#choose(this.#chosen)
  }
}
