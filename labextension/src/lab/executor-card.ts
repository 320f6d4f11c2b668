import type { ListedExecutor } from "../../../kernel-ext/protocol/job-view.ts"
import { formatCost, formatCount } from "../../../kernel-ext/protocol/job-words.ts"
import { button, element } from "../view/dom.ts"
import { t } from "../view/words.ts"
import type { PlacedExecutor } from "./job-list.ts"

type Worker = NonNullable<ListedExecutor["running"]>[number]

/** Workers that have something to say get a line each, up to this many; all are squares. */
const linesShown = 8
/** What needs a look first. */
const order = ["lost", "failed", "draining", "pending", "starting", "busy", "idle"] as const

export interface ExecutorCardState {
  readonly placed: PlacedExecutor
  /** Its clean-up would cancel what runs, and was asked for once. */
  readonly asked: boolean
}

/** An executor in the side panel: its workers, what they cost, and the button that gives them back. */
export function executorCard({ placed, asked }: ExecutorCardState, clean: () => void): HTMLElement {
  const { executor, place } = placed
  const running = executor.running ?? []
  const cost = costPerHour(running)
  return element(
    "div",
    "cellfan-Job cellfan-mod-executor",
    { "data-executor": executor.id },
    element(
      "div",
      "cellfan-Head",
      {},
      element("span", "cellfan-Name", { title: executor.kind }, executor.kind),
      element("span", "cellfan-Spacer"),
      cost === 0
        ? undefined
        : element(
            "span",
            "cellfan-Numbers",
            { title: t("What its machines cost while they exist") },
            t("%1/h", formatCost(cost)),
          ),
    ),
    element("div", "cellfan-Card-words", {}, `${place.label} · ${workerWords(executor)}`),
    workerSquares(running),
    workerLines(running),
    trouble(executor),
    element("div", "cellfan-Executor-foot", {}, cleanButton(executor, asked, clean)),
  )
}

/** Tasks that a clean-up would cancel. */
export function busyCount({ workers, idle, running }: ListedExecutor): number {
  if (running === undefined) return workers - idle
  return running.filter(({ state }) => state === "busy").length
}

function cleanButton(executor: ListedExecutor, asked: boolean, clean: () => void): HTMLButtonElement {
  const busy = busyCount(executor)
  if (executor.cleaning === "now") {
    const waiting = button(
      "",
      t("Cleaning up…"),
      t("Ends its workers and removes what they left behind"),
      () => {},
    )
    waiting.disabled = true
    return waiting
  }
  if (!asked || busy === 0)
    return button("", t("Clean up"), t("End its workers and remove what they left behind"), clean)
  const words = t(busy === 1 ? "Stop %1 busy worker" : "Stop %1 busy workers", formatCount(busy))
  return button("cellfan-mod-danger", words, t("Cancels what runs, then cleans up"), clean)
}

function trouble({ cleaning }: ListedExecutor): HTMLElement | undefined {
  if (typeof cleaning !== "object") return undefined
  const words = t("Could not be cleaned up: %1", cleaning.failed)
  return element("div", "cellfan-Trouble", { role: "alert" }, words)
}

function costPerHour(workers: readonly Worker[]): number {
  return workers.reduce(
    (sum, { state, usdPerHour = 0 }) => (state === "pending" || state === "failed" ? sum : sum + usdPerHour),
    0,
  )
}

/** "4 workers, all idle", "8 workers, 5 busy, 1 lost"; of a backend that does not tell them apart: "up to 100 at once, 12 running". */
function workerWords({ workers, idle, running }: ListedExecutor): string {
  if (running === undefined) {
    const busy = workers - idle
    const now = busy === 0 ? t("none running") : t("%1 running", formatCount(busy))
    return `${t("up to %1 at once", formatCount(workers))}, ${now}`
  }
  const all = t(workers === 1 ? "%1 worker" : "%1 workers", formatCount(workers))
  if (running.length === 0) return `${all}, ${t("none started")}`
  if (running.every(({ state }) => state === "idle")) return `${all}, ${t("all idle")}`
  const counts = order.toReversed().map((state) => ({
    state,
    count: running.filter((worker) => worker.state === state).length,
  }))
  const words = counts.filter(({ state, count }) => count > 0 && state !== "idle")
  return [all, ...words.map(({ state, count }) => `${formatCount(count)} ${t(state)}`)].join(", ")
}

/** A square a worker, named for those who hover and for those who listen. */
function workerSquares(running: readonly Worker[]): HTMLElement | undefined {
  if (running.length === 0) return undefined
  const items = running.map((worker) =>
    element(
      "li",
      "cellfan-Worker",
      { "data-state": worker.state, title: told(worker).join(" · ") },
      element("span", "cellfan-Hidden", {}, told(worker).join(", ")),
    ),
  )
  return element("ul", "cellfan-Workers", { "aria-label": t("Workers") }, ...items)
}

/** Name, state and why, of those workers of which more than name and state is known; what each costs is in its tip. */
function workerLines(running: readonly Worker[]): HTMLElement | undefined {
  const telling = running
    .filter(({ detail, usdPerHour }) => detail !== undefined || usdPerHour !== undefined)
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  if (telling.length === 0) return undefined
  const lines = telling.slice(0, linesShown).map((worker) => {
    const { name, state, detail } = worker
    return element(
      "div",
      "cellfan-Machine",
      { "data-state": state, title: told(worker).join(" · "), "aria-hidden": "true" },
      element("span", "cellfan-Worker", { "data-state": state }),
      element("span", "cellfan-Machine-name", {}, name),
      element(
        "span",
        "cellfan-Machine-words",
        {},
        detail === undefined ? t(state) : `${t(state)} · ${detail}`,
      ),
    )
  })
  const more = telling.length - lines.length
  if (more > 0) lines.push(element("div", "cellfan-Card-words", {}, t("and %1 more", formatCount(more))))
  return element("div", "cellfan-Machines", {}, ...lines)
}

function told({ name, state, detail, usdPerHour }: Worker): string[] {
  const cost = usdPerHour === undefined ? [] : [t("%1/h", formatCost(usdPerHour))]
  return [name, t(state), ...(detail === undefined ? [] : [detail]), ...cost]
}
