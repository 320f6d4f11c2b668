import { countWords } from "../../../kernel-ext/protocol/job-words.ts"
import type { JobChange, JobModel } from "../model/job-model.ts"
import { Announcer } from "./announcer.ts"
import { element } from "./dom.ts"
import { FailureList } from "./failures.ts"
import { GridView } from "./grid/grid-view.ts"
import { Head, shownStatus } from "./head.ts"
import { Legend } from "./legend.ts"
import { OpenTask } from "./open-task.ts"
import { PaintLoop } from "./paint-loop.ts"
import { preferences } from "./preferences.ts"
import { ProgressBar } from "./progress-bar.ts"
import { Ways } from "./ways.ts"
import { t } from "./words.ts"

/**
 * A job under its cell. Nothing in this folder knows JupyterLab: the same view serves every front end.
 *
 *     head.ts        name, place, numbers, buttons
 *     ways.ts        squares (grid/) or charts (charts/), and the tabs.ts between them
 *     legend.ts      counts by state, which filter
 *     failures.ts    the first errors, in words
 *     open-task.ts   which task is looked at: details.ts (its parts in details/) and tooltip.ts
 *     mini-grid.ts   the squares alone, small
 *     paint-loop.ts  when it draws; announcer.ts: what screen readers hear
 *     words.ts       the reader's language; numbers.ts, progress-bar.ts, preferences.ts, dom.ts
 */

/** What the page around the view can do for it. */
export interface JobHost {
  /** Shows a line of the cell that was run as `label`, wished for in the view at `from`. */
  readonly openCell?: ((label: string, line: number, column: number, from: HTMLElement) => void) | undefined
  /** Puts code where the reader can run it, near the view it was asked for in. */
  readonly takeCell?: ((code: string, from: HTMLElement) => void) | undefined
}

const clockMs = 500

export class JobView {
  readonly node: HTMLElement
  readonly #model: JobModel
  readonly #grid: GridView
  readonly #head: Head
  readonly #ways: Ways
  readonly #task: OpenTask
  readonly #bar = new ProgressBar()
  readonly #legend: Legend
  readonly #failures: FailureList
  readonly #announcer = new Announcer()
  readonly #stop: () => void
  #loop: PaintLoop | undefined
  #clock: ReturnType<typeof setInterval> | undefined

  constructor(model: JobModel, host: JobHost = {}) {
    this.#model = model
    this.#task = new OpenTask(model, host, () => this.#grid)
    const handlers = {
      open: (task: number) => this.#task.open(task),
      point: (task: number | undefined, x: number, y: number) => this.#task.point(task, x, y),
      close: () => this.#task.close(),
    }
    this.#grid = new GridView(model, handlers, () => this.#loop?.now())
    this.#ways = new Ways(model, this.#grid, this.#task.tooltip, handlers)
    this.#head = new Head({
      cancel: () => model.send({ type: "cancel" }),
      retry: () => model.send({ type: "retry" }),
      toggleTask: () => (this.#task.index === undefined ? this.#task.open(0) : this.#task.close()),
    })
    this.#legend = new Legend((state) => {
      this.#grid.filter = state
    })
    this.#failures = new FailureList(
      (task) => this.#task.open(task),
      () => this.#openNextFailure(),
    )
    this.node = this.#build()
    const stops = [
      model.observe((change) => this.#onChange(change)),
      preferences.observe(() => this.#applyPreferences()),
    ]
    this.#stop = () => {
      for (const stop of stops) stop()
    }
    this.#loop = new PaintLoop(this.node, { update: () => this.#update(), paint: () => this.#grid.paint() })
    this.#applyPreferences()
    this.#update()
  }

  dispose(): void {
    this.#stop()
    this.#loop?.dispose()
    this.#announcer.dispose()
    this.#head.dispose()
    this.#grid.dispose()
    this.#ways.dispose()
    this.#task.dispose()
    clearInterval(this.#clock)
  }

  #applyPreferences(): void {
    this.node.dataset.show = preferences.current.show
    this.node.dataset.palette = preferences.current.palette
    this.#grid.themeChanged()
    this.#loop?.now()
  }

  #build(): HTMLElement {
    const { box, zoom, tabs } = this.#ways
    const spacer = element("span", "cellfan-Spacer")
    return element(
      "div",
      "cellfan-Job",
      { role: "region", "data-lm-suppress-shortcuts": "true" },
      this.#head.node,
      this.#bar.node,
      element("div", "cellfan-Row", {}, this.#legend.node, spacer, zoom, tabs),
      box,
      this.#failures.node,
      this.#task.details.node,
      this.#announcer.node,
    )
  }

  #onChange(change: JobChange): void {
    switch (change.kind) {
      case "states":
        this.#loop?.soon()
        break
      case "liveness":
        this.#task.reconnected()
        this.#loop?.soon()
        break
      case "task":
        this.#task.tell(change.task, change.watched)
        break
      case "cell":
        this.#task.tellCell(change.code)
        break
      case "times":
      case "picture":
        break
      default:
        change satisfies never
    }
  }

  #update(): void {
    const { summary, liveness, patches, gaps } = this.#model
    const status = shownStatus(this.#model)
    const { dataset } = this.node
    dataset.status = status
    dataset.liveness = liveness
    dataset.job = summary.id
    dataset.patches = String(patches)
    dataset.gaps = String(gaps)
    this.node.classList.toggle("cellfan-mod-single", summary.sized && summary.size === 1)
    this.node.setAttribute("aria-label", t("Job %1", summary.name))
    this.#head.update(this.#model)
    this.#bar.update(summary)
    this.#legend.update(summary.counts)
    this.#failures.update(summary, this.#task.index)
    this.#runClock(status === "running")
    const gone = status === "stopped" && liveness === "gone" ? `, ${t("its kernel is gone")}` : ""
    this.#announcer.say(`${summary.name}: ${countWords(summary.counts, t)}${gone}`)
  }

  /** Time goes on between messages. */
  #runClock(running: boolean): void {
    if (running) this.#clock ??= setInterval(() => this.#loop?.soon(), clockMs)
    else {
      clearInterval(this.#clock)
      this.#clock = undefined
    }
  }

  #openNextFailure(): void {
    const task = this.#grid.next("failed")
    if (task !== undefined) this.#task.open(task)
  }
}
