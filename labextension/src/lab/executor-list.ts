import type { ListedExecutor } from "../../../kernel-ext/protocol/job-view.ts"
import { formatCount } from "../../../kernel-ext/protocol/job-words.ts"
import { button, element, setShown } from "../view/dom.ts"
import { t } from "../view/words.ts"
import type { PlacedExecutor } from "./job-list.ts"

/** The executors of all kernels with their workers; what they hold can be given back here. */
export class ExecutorList {
  readonly node = element("div", "cellfan-Executors", { role: "group" })
  readonly #clean: (executor: PlacedExecutor) => void
  readonly #items = element("div", "")
  #shown = ""

  constructor(clean: (executor: PlacedExecutor) => void) {
    this.#clean = clean
    this.node.setAttribute("aria-label", t("Executors"))
    this.node.append(element("h2", "cellfan-Panel-title", {}, t("Executors")), this.#items)
    this.node.hidden = true
  }

  update(executors: readonly PlacedExecutor[]): void {
    const key = JSON.stringify(executors.map(({ executor, panel }) => [executor, panel.title.label]))
    if (key === this.#shown) return
    this.#shown = key
    setShown(this.node, executors.length > 0)
    // The button that has the focus is to keep it.
    const focused = document.activeElement?.closest<HTMLElement>("[data-executor]")?.dataset.executor
    this.#items.replaceChildren(...executors.map((placed) => this.#item(placed)))
    if (focused !== undefined)
      this.#items.querySelector<HTMLElement>(`[data-executor="${CSS.escape(focused)}"] button`)?.focus()
  }

  #item(placed: PlacedExecutor): HTMLElement {
    const { executor, panel } = placed
    const clean = button("", t("Clean up"), t("End its workers and remove what they left behind"), () =>
      this.#clean(placed),
    )
    const place = `${panel.title.label} · ${workerWords(executor)}`
    return element(
      "div",
      "cellfan-Job cellfan-mod-executor",
      { "data-executor": executor.id },
      element("div", "cellfan-Name", { title: executor.kind }, executor.kind),
      element("div", "cellfan-Card-words", {}, place),
      element("div", "cellfan-Executor-foot", {}, workerSquares(executor) ?? element("span", ""), clean),
    )
  }
}

function workerWords({ workers, idle, running }: ListedExecutor): string {
  const busy = running?.filter(({ state }) => state !== "idle").length ?? workers - idle
  const all = t(workers === 1 ? "%1 worker" : "%1 workers", formatCount(workers))
  if (running?.length === 0) return `${all}, ${t("none started")}`
  return `${all}, ${busy === 0 ? t("all idle") : t("%1 busy", formatCount(busy))}`
}

/** A square a worker, named for those who hover and for those who listen. */
function workerSquares({ running }: ListedExecutor): HTMLElement | undefined {
  if (running === undefined || running.length === 0) return undefined
  const items = running.map(({ name, state }) =>
    element(
      "li",
      "cellfan-Worker",
      { "data-state": state, title: `${name} · ${t(state)}` },
      element("span", "cellfan-Hidden", {}, `${name}, ${t(state)}`),
    ),
  )
  return element("ul", "cellfan-Workers", { "aria-label": t("Workers") }, ...items)
}
