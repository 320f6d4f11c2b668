import { countWords, formatCount, jobStatus, placeWords } from "../../../kernel-ext/protocol/job-words.ts"
import { type TaskState, taskStates } from "../../../kernel-ext/protocol/task.ts"
import type { JobChange, JobModel } from "../model/job-model.ts"
import { Announcer } from "./announcer.ts"
import type { Charts } from "./charts/charts.ts"
import { DetailsView } from "./details.ts"
import { button, element, setShown, setText } from "./dom.ts"
import { FailureList } from "./failures.ts"
import { GridView } from "./grid/grid-view.ts"
import { Legend } from "./legend.ts"
import { numberWords } from "./numbers.ts"
import { PaintLoop } from "./paint-loop.ts"
import { preferences } from "./preferences.ts"
import { ProgressBar } from "./progress-bar.ts"
import { Tabs } from "./tabs.ts"
import { Tooltip } from "./tooltip.ts"

/**
 * A job under its cell. Nothing in this folder knows JupyterLab: the same view serves every front end.
 *
 *     grid/          the squares
 *     legend.ts      counts by state, which filter
 *     failures.ts    the first errors, in words
 *     details.ts     one task, opened; stack.ts: its stack with places to click
 *     tooltip.ts     what the pointer rests on
 *     tabs.ts        squares, or charts/: when tasks ran and how long
 *     paint-loop.ts  when it draws; announcer.ts: what screen readers hear
 *     numbers.ts, progress-bar.ts, preferences.ts, dom.ts
 */

/** What the page around the view can do for it. */
export interface JobHost {
  readonly openCell?: (label: string, line: number, column: number) => void
}

type Tab = "grid" | "timeline" | "durations"

const clockMs = 500
const peekMs = 120

export class JobView {
  readonly node: HTMLElement
  readonly grid: GridView
  readonly #model: JobModel
  readonly #mark = element("span", "cellfan-Mark", { "aria-hidden": "true" })
  readonly #name = element("span", "cellfan-Name")
  readonly #place = element("span", "cellfan-Place")
  readonly #numbers = element("span", "cellfan-Numbers")
  readonly #announcer = new Announcer()
  /** The way to the details where there is one task and no square to click. */
  readonly #more = button("cellfan-mod-more", "Details", "Show the task", () =>
    this.#open === undefined ? this.openTask(0) : this.closeTask(),
  )
  readonly #cancel: HTMLButtonElement
  readonly #retry: HTMLButtonElement
  readonly #bar = new ProgressBar()
  readonly #zoom = element("span", "cellfan-Zoom")
  readonly #box = element("div", "cellfan-Box")
  readonly #legend: Legend
  readonly #failures: FailureList
  readonly #details: DetailsView
  readonly #tooltip = new Tooltip()
  readonly #stop: () => void
  #loop: PaintLoop | undefined
  #clock: ReturnType<typeof setInterval> | undefined
  #peek: ReturnType<typeof setTimeout> | undefined
  #open: number | undefined
  #showing = false
  #tab: Tab = "grid"
  #charts: Charts | undefined

  constructor(model: JobModel, host: JobHost = {}) {
    this.#model = model
    this.#cancel = button("cellfan-mod-cancel", "Cancel", "Cancel what has not ended", () =>
      this.#cancelJob(),
    )
    this.#retry = button("", "Retry", "Run again what failed or was cancelled", () =>
      model.send({ type: "retry" }),
    )
    this.grid = new GridView(
      model,
      {
        open: (task) => this.openTask(task),
        point: (task, x, y) => this.#point(task, x, y),
        close: () => this.closeTask(),
      },
      () => this.#loop?.now(),
    )
    this.#legend = new Legend((state) => this.#filter(state))
    this.#failures = new FailureList(
      (task) => this.openTask(task),
      () => this.#openNextFailure(),
    )
    this.#details = new DetailsView({
      close: () => this.closeTask(),
      step: (step) => this.#step(step),
      cancel: (task) => model.send({ type: "cancel", indices: [task] }),
      retry: (task) => model.send({ type: "retry", indices: [task] }),
      openCell: host.openCell,
    })
    this.node = this.#build()
    const stops = [
      model.observe((change) => this.#onChange(change)),
      preferences.observe(() => this.#applyPreferences()),
    ]
    this.#stop = () => {
      for (const stop of stops) stop()
    }
    this.#loop = new PaintLoop(this.node, { update: () => this.#update(), paint: () => this.grid.paint() })
    this.#applyPreferences()
    this.#update()
  }

  dispose(): void {
    this.#stop()
    this.#loop?.dispose()
    this.#announcer.dispose()
    this.grid.dispose()
    this.#charts?.dispose()
    clearInterval(this.#clock)
    clearTimeout(this.#peek)
    if (this.#open !== undefined) this.#model.send({ type: "watch", index: null })
  }

  openTask(task: number): void {
    if (task < 0 || task >= this.#model.summary.size) return
    this.#open = task
    this.#tooltip.hide()
    this.#details.open(task, this.#stateOf(task), this.#model.summary, this.#model.liveness === "live")
    this.grid.selected = task
    this.#showing = true
    this.#model.send({ type: "watch", index: task })
    this.#showDetails()
  }

  closeTask(): void {
    if (this.#open === undefined) return
    this.#open = undefined
    this.#details.close()
    this.grid.selected = undefined
    this.#model.send({ type: "watch", index: null })
    this.grid.node.focus({ preventScroll: true })
  }

  #applyPreferences(): void {
    this.node.dataset.show = preferences.current.show
    this.node.dataset.palette = preferences.current.palette
    this.grid.themeChanged()
    this.#loop?.now()
  }

  #build(): HTMLElement {
    this.#zoom.append(
      button("cellfan-mod-icon", "−", "Smaller squares", () => this.grid.zoom(-1)),
      button("cellfan-mod-icon", "+", "Larger squares", () => this.grid.zoom(1)),
    )
    const head = element(
      "div",
      "cellfan-Head",
      {},
      this.#mark,
      this.#name,
      this.#place,
      element("span", "cellfan-Spacer"),
      this.#numbers,
      this.#more,
      this.#retry,
      this.#cancel,
    )
    this.#box.append(this.grid.node, this.#tooltip.node)
    const labels = { grid: "Grid", timeline: "Timeline", durations: "Durations" }
    const tabs = new Tabs<Tab>("Ways to see the tasks", labels, this.#box, (tab) => void this.#showTab(tab))
    const spacer = element("span", "cellfan-Spacer")
    const row = element("div", "cellfan-Row", {}, this.#legend.node, spacer, this.#zoom, tabs.node)
    return element(
      "div",
      "cellfan-Job",
      { role: "region", "data-lm-suppress-shortcuts": "true" },
      head,
      this.#bar.node,
      row,
      this.#box,
      this.#failures.node,
      this.#details.node,
      this.#announcer.node,
    )
  }

  #onChange(change: JobChange): void {
    switch (change.kind) {
      case "states":
        this.#loop?.soon()
        break
      case "liveness":
        if (this.#open !== undefined) this.#model.send({ type: "watch", index: this.#open })
        this.#loop?.soon()
        break
      case "task":
        if (change.watched) {
          this.#details.show(change.task, this.#model.summary, this.#model.nowMs)
          this.#showDetails()
        }
        this.#tooltip.describe(change.task, this.#model.nowMs)
        break
      case "times":
      case "picture":
        break
      default:
        change satisfies never
    }
  }

  #update(): void {
    const { summary, liveness } = this.#model
    const running = summary.endedAtMs === null && liveness === "live"
    const stopped = summary.endedAtMs === null && liveness !== "live"
    const status = stopped ? "stopped" : jobStatus(summary)
    if (this.#mark.dataset.status !== status) this.#mark.dataset.status = status
    const single = summary.sized && summary.size === 1
    this.node.classList.toggle("cellfan-mod-single", single)
    setShown(this.#more, single)
    this.node.dataset.status = status
    this.node.dataset.liveness = liveness
    this.node.dataset.job = summary.id
    this.node.dataset.patches = String(this.#model.patches)
    this.node.dataset.gaps = String(this.#model.gaps)
    this.node.setAttribute("aria-label", `Job ${summary.name}`)
    setText(this.#name, summary.name)
    setText(this.#place, placeWords(summary))
    setText(this.#numbers, numberWords(this.#model))
    this.#bar.update(summary)
    this.#legend.update(summary.counts)
    this.#failures.update(summary, this.#open)
    setShown(this.#cancel, running)
    const retryable = summary.counts.failed + summary.counts.cancelled
    setShown(this.#retry, liveness === "live" && retryable > 0 && summary.endedAtMs !== null)
    setText(this.#retry, `Retry ${formatCount(retryable)} ${retryable === 1 ? "task" : "tasks"}`)
    this.#runClock(running)
    const gone = liveness === "gone" && summary.endedAtMs === null
    this.#announcer.say(`${summary.name}: ${countWords(summary.counts)}${gone ? ", its kernel is gone" : ""}`)
  }

  /** Time goes on between messages. */
  #runClock(running: boolean): void {
    if (running) this.#clock ??= setInterval(() => this.#loop?.soon(), clockMs)
    else {
      clearInterval(this.#clock)
      this.#clock = undefined
    }
  }

  /** Scrolls to what was just opened, once it has its whole height. */
  #showDetails(): void {
    if (!this.#showing) return
    this.#showing = this.#model.liveness === "live" && !this.#details.known
    this.#details.node.scrollIntoView({ block: "nearest" })
  }

  #cancelJob(): void {
    this.#model.send({ type: "cancel" })
    // Another click would say nothing new; the button goes when the kernel has done it.
    this.#cancel.disabled = true
    setTimeout(() => {
      this.#cancel.disabled = false
    }, 1500)
  }

  async #showTab(tab: Tab): Promise<void> {
    this.#tab = tab
    setShown(this.grid.node, tab === "grid")
    setShown(this.#zoom, tab === "grid")
    this.#tooltip.hide()
    if (tab !== "grid" && this.#charts === undefined) {
      const { Charts } = await import("./charts/charts.ts")
      this.#charts ??= new Charts(this.#model, (task) => this.openTask(task))
      this.#box.append(this.#charts.node)
    }
    const shown = this.#tab
    if (this.#charts === undefined) return
    setShown(this.#charts.node, shown !== "grid")
    this.#charts.show(shown === "grid" ? undefined : shown)
  }

  #filter(state: TaskState | undefined): void {
    this.grid.filter = state
  }

  #openNextFailure(): void {
    const task = this.grid.next("failed")
    if (task !== undefined) this.openTask(task)
  }

  #step(step: 1 | -1): void {
    if (this.#open !== undefined) this.openTask(this.#open + step)
  }

  #point(task: number | undefined, x: number, y: number): void {
    if (task === undefined) {
      clearTimeout(this.#peek)
      this.#tooltip.hide()
      return
    }
    const changed = this.#tooltip.task !== task
    this.#tooltip.show(task, this.#stateOf(task), x, y, this.grid.node.clientWidth)
    if (!changed) return
    clearTimeout(this.#peek)
    this.#peek = setTimeout(() => this.#model.send({ type: "peek", index: task }), peekMs)
  }

  #stateOf(task: number): TaskState {
    return taskStates[this.#model.states[task] ?? 0] ?? "queued"
  }
}
