import { StateCode, type TaskState, taskStates } from "../../../../kernel-ext/protocol/task.ts"
import type { JobModel } from "../../model/job-model.ts"
import { element, setText } from "../dom.ts"
import { t } from "../words.ts"
import { cursorAfter, failureNear, nextInState } from "./find.ts"
import { fitLayout, type GridLayout, pitchLayout, squareOf, taskAt, zoomedPitch } from "./layout.ts"
import { GridPainter } from "./painter.ts"
import { onThemeChange, readPalette } from "./palette.ts"

/**
 * The squares of a job: a canvas the size of what is in view, in a box that scrolls over all rows.
 *
 *     layout.ts   where squares stand; find.ts: the next one by key, by state, by place
 *     painter.ts  draws them; sprites.ts: what one square looks like
 *     palette.ts  colours of the theme
 */

/** Height that squares may take before they get smaller, and that the box has when zoomed in; CSS pixels. */
const fitHeight = 300
const smallFitHeight = 480
const boxHeight = 500

export interface GridHandlers {
  /** A task was chosen: by click, Enter or Space. */
  open(task: number): void
  /** The pointer or the cursor rests on a task; undefined when it leaves. `x`, `y` are in the grid's box. */
  point(task: number | undefined, x: number, y: number): void
  close(): void
}

export class GridView {
  readonly node: HTMLElement
  readonly #model: JobModel
  readonly #handlers: GridHandlers
  readonly #canvas = element("canvas", "cellfan-Grid-canvas", { "aria-hidden": "true" })
  readonly #spacer = element("div", "cellfan-Grid-spacer")
  readonly #said = element("div", "cellfan-Hidden", { "aria-live": "polite" })
  readonly #painter: GridPainter
  readonly #resized: ResizeObserver
  readonly #stopTheme: () => void
  readonly #needsPaint: () => void
  #layout: GridLayout = { pitch: 1, columns: 1, rows: 0, share: 1, squares: 0 }
  #laidOutFor = ""
  #zoomPitch: number | undefined
  #cursor: number | undefined
  #selected: number | undefined
  #filter: number | undefined
  #focused = false
  /** Kept, not asked for while painting: the words above have just changed, so the browser would lay the whole page out for the answer. */
  #clientWidth = 0
  #scrollTop = 0
  #scale = 1
  #paletteDue = true

  constructor(model: JobModel, handlers: GridHandlers, needsPaint: () => void) {
    this.#model = model
    this.#handlers = handlers
    this.node = element(
      "div",
      "cellfan-Grid",
      {
        tabindex: "0",
        role: "application",
        "aria-roledescription": t("task grid"),
        "aria-label": t(
          "Tasks. Arrow keys move, Enter opens a task, F finds the next failure, plus and minus zoom",
        ),
        "data-lm-suppress-shortcuts": "true",
      },
      this.#canvas,
      this.#spacer,
      this.#said,
    )
    this.#painter = new GridPainter(this.#canvas, readPalette(this.node))
    this.#resized = new ResizeObserver(() => {
      this.#clientWidth = this.node.clientWidth
      this.#scrollTop = this.node.scrollTop
      needsPaint()
    })
    this.#resized.observe(this.node)
    this.#stopTheme = onThemeChange(() => this.themeChanged())
    this.#needsPaint = needsPaint
    this.#listen()
  }

  dispose(): void {
    this.#resized.disconnect()
    this.#stopTheme()
  }

  themeChanged(): void {
    this.#paletteDue = true
    this.#needsPaint()
  }

  set selected(task: number | undefined) {
    this.#selected = task
    if (task !== undefined) this.#cursor = task
    if (task !== undefined) this.#reveal(task)
    this.#needsPaint()
  }

  set filter(state: TaskState | undefined) {
    this.#filter = state === undefined ? undefined : StateCode[state]
    this.#needsPaint()
  }

  zoom(step: 1 | -1): void {
    const { size } = this.#model.summary
    const fit = this.#fit(size, this.#width()).pitch
    this.#zoomPitch = zoomedPitch(this.#layout.pitch, step, fit, this.#scale)
    this.#laidOutFor = ""
    this.#needsPaint()
    const task = this.#selected ?? this.#cursor
    if (task !== undefined) requestAnimationFrame(() => this.#reveal(task))
  }

  /** The next task in the state after the cursor, or the first. */
  next(state: TaskState, step: 1 | -1 = 1): number | undefined {
    const states = this.#model.states.subarray(0, this.#model.summary.size)
    return nextInState(states, StateCode[state], this.#selected ?? this.#cursor, step)
  }

  paint(): void {
    if (!this.#layOut()) return
    if (this.#paletteDue) {
      this.#paletteDue = false
      this.#painter.palette = readPalette(this.node)
    }
    this.#painter.paint({
      states: this.#model.states,
      size: this.#model.summary.size,
      layout: this.#layout,
      scroll: Math.round(this.#scrollTop * this.#scale),
      filter: this.#filter,
      cursor: this.#focused ? this.#cursor : undefined,
      selected: this.#selected,
    })
  }

  #width(): number {
    return Math.floor(this.#clientWidth * this.#scale)
  }

  #fit(size: number, width: number): GridLayout {
    const comfortable = fitLayout(size, width, fitHeight * this.#scale, this.#scale)
    if (comfortable.pitch >= 4 * this.#scale) return comfortable
    return fitLayout(size, width, smallFitHeight * this.#scale, this.#scale)
  }

  /** False while the grid has no size, for example in a cell that is scrolled away. */
  #layOut(): boolean {
    this.#scale = window.devicePixelRatio || 1
    const width = this.#width()
    const { size } = this.#model.summary
    if (width <= 0) return false
    const key = `${width} ${size} ${this.#scale} ${this.#zoomPitch}`
    if (key === this.#laidOutFor) return true
    this.#laidOutFor = key
    this.#layout =
      this.#zoomPitch === undefined ? this.#fit(size, width) : pitchLayout(size, width, this.#zoomPitch, 1)
    const { rows, pitch } = this.#layout
    const height = Math.min(boxHeight, Math.ceil((rows * pitch) / this.#scale))
    this.#canvas.width = width
    this.#canvas.height = Math.ceil(height * this.#scale)
    this.#canvas.style.height = `${height}px`
    this.node.style.height = `${height}px`
    this.#spacer.style.height = `${Math.max(0, Math.ceil((rows * pitch) / this.#scale) - height)}px`
    return true
  }

  #listen(): void {
    const { node } = this
    node.addEventListener("scroll", () => {
      this.#scrollTop = node.scrollTop
      this.#needsPaint()
    })
    node.addEventListener("click", (event) => {
      const task = this.#taskUnder(event)
      if (task === undefined) return
      this.#cursor = task
      this.#handlers.open(task)
    })
    node.addEventListener("pointermove", (event) => {
      const box = node.getBoundingClientRect()
      this.#handlers.point(this.#taskUnder(event), event.clientX - box.left, event.clientY - box.top)
    })
    node.addEventListener("pointerleave", () => this.#handlers.point(undefined, 0, 0))
    node.addEventListener("keydown", (event) => this.#onKey(event))
    node.addEventListener("focus", () => this.#setFocused(true))
    node.addEventListener("blur", () => this.#setFocused(false))
  }

  #setFocused(focused: boolean): void {
    // A ring for who came by keyboard, none for a click.
    this.#focused = focused && this.node.matches(":focus-visible")
    if (this.#focused) this.#cursor ??= this.#selected ?? 0
    this.#needsPaint()
  }

  #taskUnder(event: MouseEvent): number | undefined {
    const box = this.#canvas.getBoundingClientRect()
    const x = (event.clientX - box.left) * this.#scale
    const y = (event.clientY - box.top) * this.#scale + this.node.scrollTop * this.#scale
    const task = taskAt(this.#layout, x, y)
    if (task === undefined || this.#layout.pitch >= 6) return task
    // Near a failure, the failure is meant.
    return failureNear(this.#layout, this.#model.states, x, y, 2.5 * this.#scale) ?? task
  }

  #onKey(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const at = this.#cursor ?? 0
    const to = cursorAfter(event.key, at, this.#model.summary.size - 1, this.#layout)
    if (to !== undefined) this.#moveTo(to)
    else if (event.key === "f" || event.key === "F") this.#jump(event.key === "f" ? 1 : -1)
    else if (event.key === "Enter" || event.key === " ") this.#handlers.open(at)
    else if (event.key === "Escape") this.#handlers.close()
    else if (event.key === "+" || event.key === "=") this.zoom(1)
    else if (event.key === "-") this.zoom(-1)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  #jump(step: 1 | -1): void {
    const task = this.next("failed", step)
    if (task !== undefined) this.#handlers.open(task)
    else setText(this.#said, t("No task has failed"))
  }

  #moveTo(task: number): void {
    this.#focused = true
    this.#cursor = task
    this.#reveal(task)
    const state = taskStates[this.#model.states[task] ?? 0] ?? "queued"
    setText(this.#said, `${t("Task %1", String(task))}, ${t(state)}`)
    const { column, row } = squareOf(this.#layout, task)
    const { pitch } = this.#layout
    this.#handlers.point(
      task,
      ((column + 1) * pitch) / this.#scale,
      ((row + 1) * pitch) / this.#scale - this.node.scrollTop,
    )
    this.#needsPaint()
  }

  #reveal(task: number): void {
    const { pitch } = this.#layout
    const top = (squareOf(this.#layout, task).row * pitch) / this.#scale
    const bottom = top + pitch / this.#scale
    const { node } = this
    if (top < node.scrollTop) node.scrollTop = top
    else if (bottom > node.scrollTop + node.clientHeight) node.scrollTop = bottom - node.clientHeight
  }
}
