import type { JobModel } from "../model/job-model.ts"
import { element } from "./dom.ts"
import { fitLayout } from "./grid/layout.ts"
import { GridPainter } from "./grid/painter.ts"
import { onThemeChange, readPalette } from "./grid/palette.ts"
import { PaintLoop } from "./paint-loop.ts"

const heightPixels = 54

/** The squares of a job, small and only to look at: the words beside it say the same. */
export class MiniGrid {
  readonly node = element("canvas", "cellfan-MiniGrid", { "aria-hidden": "true" })
  readonly #model: JobModel
  readonly #painter = new GridPainter(this.node, readPalette(this.node))
  readonly #loop: PaintLoop
  readonly #resized: ResizeObserver
  readonly #stops: (() => void)[]
  #paletteDue = true
  /** Not asked for while painting: that would have the page laid out. */
  #clientWidth = 0

  constructor(model: JobModel) {
    this.#model = model
    this.#loop = new PaintLoop(this.node, { update: () => {}, paint: () => this.#paint() })
    this.#resized = new ResizeObserver(() => {
      this.#clientWidth = this.node.clientWidth
      this.#loop.now()
    })
    this.#resized.observe(this.node)
    this.#stops = [
      model.observe(({ kind }) => {
        if (kind === "states") this.#loop.soon()
      }),
      onThemeChange(() => {
        this.#paletteDue = true
        this.#loop.now()
      }),
    ]
  }

  dispose(): void {
    for (const stop of this.#stops) stop()
    this.#resized.disconnect()
    this.#loop.dispose()
  }

  #paint(): void {
    const scale = window.devicePixelRatio || 1
    const width = Math.floor(this.#clientWidth * scale)
    const { size } = this.#model.summary
    if (width <= 0 || size === 0) return
    const layout = fitLayout(size, width, heightPixels * scale, scale)
    const height = Math.max(1, layout.rows * layout.pitch)
    if (this.node.width !== width) this.node.width = width
    if (this.node.height !== height) {
      this.node.height = height
      this.node.style.height = `${height / scale}px`
    }
    if (this.#paletteDue) {
      this.#paletteDue = false
      this.#painter.palette = readPalette(this.node)
    }
    // Until the kernel has said which tasks are where, all of them would stand there as queued.
    if (this.#model.liveness !== "live") return
    const plain = { filter: undefined, cursor: undefined, selected: undefined }
    this.#painter.paint({ states: this.#model.states, size, layout, scroll: 0, ...plain })
  }
}
