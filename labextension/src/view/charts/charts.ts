import type { JobModel, TaskTimes } from "../../model/job-model.ts"
import { element, setText } from "../dom.ts"
import { onThemeChange, readPalette } from "../grid/palette.ts"
import { t } from "../words.ts"
import { drawHistogram } from "./histogram.ts"
import type { Surface } from "./surface.ts"
import { drawTimeline, timelineHeight } from "./timeline.ts"

/**
 * When tasks ran and how long: loaded when first shown, asked of the kernel while they are looked at.
 *
 *     timeline.ts   tasks on workers over time
 *     histogram.ts  how many took how long
 *     surface.ts    canvas with an axis of durations
 */

export type ChartKind = "timeline" | "durations"

const refreshMs = 1500
const largestHeight = 240

export interface ChartHandlers {
  /** A task was chosen by a click. */
  open(task: number): void
  /** The pointer rests on a task, at a place in the charts' box; undefined when it leaves. */
  point(task: number | undefined, x: number, y: number): void
}

export class Charts {
  readonly node: HTMLElement
  readonly #model: JobModel
  readonly #canvas = element("canvas", "cellfan-Chart-canvas", { role: "img" })
  readonly #note = element("div", "cellfan-Chart-note")
  readonly #stops: (() => void)[]
  readonly #resized: ResizeObserver
  #kind: ChartKind | undefined
  #times: TaskTimes | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #taskAt: ((x: number, y: number) => number | undefined) | undefined

  constructor(model: JobModel, handlers: ChartHandlers) {
    this.#model = model
    this.node = element("div", "cellfan-Chart", {}, this.#canvas, this.#note)
    this.#stops = [
      model.observe((change) => {
        if (change.kind === "times") this.#take(change.times)
        else if (change.kind === "states") this.#askLater()
      }),
      onThemeChange(() => this.#draw()),
    ]
    this.#resized = new ResizeObserver(() => this.#draw())
    this.#resized.observe(this.node)
    this.#canvas.addEventListener("click", (event) => {
      const task = this.#taskAt?.(event.offsetX, event.offsetY)
      if (task !== undefined) handlers.open(task)
    })
    this.#canvas.addEventListener("pointermove", (event) =>
      handlers.point(this.#taskAt?.(event.offsetX, event.offsetY), event.offsetX, event.offsetY),
    )
    this.#canvas.addEventListener("pointerleave", () => handlers.point(undefined, 0, 0))
  }

  dispose(): void {
    for (const stop of this.#stops) stop()
    this.#resized.disconnect()
    clearTimeout(this.#timer)
  }

  /** Undefined: nothing is looked at, nothing is asked for. */
  show(kind: ChartKind | undefined): void {
    this.#kind = kind
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (kind === undefined) return
    if (this.#model.liveness !== "live" && this.#times === undefined) {
      setText(
        this.#note,
        t("When tasks ran is known while their kernel runs; the notebook saves only how they ended."),
      )
      return
    }
    setText(this.#note, "")
    this.#model.send({ type: "times" })
    this.#draw()
  }

  #askLater(): void {
    if (this.#kind === undefined) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#model.send({ type: "times" })
    }, refreshMs)
  }

  #take(times: TaskTimes): void {
    this.#times = times
    this.#draw()
  }

  #draw(): void {
    const width = this.node.clientWidth
    if (this.#kind === undefined || this.#times === undefined || width <= 0) return
    const scale = window.devicePixelRatio || 1
    const height =
      this.#kind === "timeline"
        ? Math.min(largestHeight, timelineHeight(this.#times.workers.length))
        : largestHeight
    this.#canvas.width = Math.round(width * scale)
    this.#canvas.height = Math.round(height * scale)
    this.#canvas.style.height = `${height}px`
    const context = this.#canvas.getContext("2d")
    if (context === null) return
    context.scale(scale, scale)
    const style = getComputedStyle(this.node)
    const surface: Surface = {
      context,
      width,
      height,
      palette: readPalette(this.node),
      text: style.getPropertyValue("--cellfan-quiet").trim(),
      line: style.getPropertyValue("--cellfan-line").trim(),
      font: `11px ${style.fontFamily}`,
    }
    const draw = this.#kind === "timeline" ? drawTimeline : drawHistogram
    const { words, taskAt } = draw(surface, this.#times, this.#model)
    this.#taskAt = taskAt
    this.#canvas.style.cursor = taskAt === undefined ? "default" : "pointer"
    this.#canvas.setAttribute("aria-label", words)
    setText(this.#note, this.#times.sampled ? t("%1 (an even sample of the tasks)", words) : words)
  }
}
