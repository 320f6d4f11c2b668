import type { JobModel } from "../model/job-model.ts"
import type { ChartHandlers, Charts } from "./charts/charts.ts"
import { button, element, setShown } from "./dom.ts"
import type { GridView } from "./grid/grid-view.ts"
import { Tabs } from "./tabs.ts"
import type { Tooltip } from "./tooltip.ts"
import { t } from "./words.ts"

type Way = "grid" | "timeline" | "durations"

/** The ways to see the tasks: squares, or charts, which are loaded when first asked for. */
export class Ways {
  /** Where the chosen way is shown. */
  readonly box = element("div", "cellfan-Box")
  readonly tabs: HTMLElement
  readonly zoom: HTMLElement
  readonly #model: JobModel
  readonly #grid: GridView
  readonly #tooltip: Tooltip
  readonly #handlers: ChartHandlers
  #shown: Way = "grid"
  #charts: Charts | undefined

  constructor(model: JobModel, grid: GridView, tooltip: Tooltip, handlers: ChartHandlers) {
    this.#model = model
    this.#grid = grid
    this.#tooltip = tooltip
    this.#handlers = handlers
    this.box.append(grid.node, tooltip.node)
    const labels = { grid: t("Grid"), timeline: t("Timeline"), durations: t("Durations") }
    this.tabs = new Tabs<Way>(
      t("Ways to see the tasks"),
      labels,
      this.box,
      (way) => void this.#show(way),
    ).node
    this.zoom = element(
      "span",
      "cellfan-Zoom",
      {},
      button("cellfan-mod-icon", "−", t("Smaller squares"), () => grid.zoom(-1)),
      button("cellfan-mod-icon", "+", t("Larger squares"), () => grid.zoom(1)),
    )
  }

  dispose(): void {
    this.#charts?.dispose()
  }

  async #show(way: Way): Promise<void> {
    this.#shown = way
    setShown(this.#grid.node, way === "grid")
    setShown(this.zoom, way === "grid")
    this.#tooltip.hide()
    if (way !== "grid" && this.#charts === undefined) {
      const { Charts } = await import("./charts/charts.ts")
      this.#charts ??= new Charts(this.#model, this.#handlers)
      this.box.append(this.#charts.node)
    }
    // Another tab may have been chosen meanwhile.
    const shown = this.#shown
    if (this.#charts === undefined) return
    setShown(this.#charts.node, shown !== "grid")
    this.#charts.show(shown === "grid" ? undefined : shown)
  }
}
