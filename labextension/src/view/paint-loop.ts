import { preferences } from "./preferences.ts"

/** Words of a view that is out of sight are renewed this often at most. */
const unseenMs = 500

export interface PaintSteps {
  /** Words and numbers. */
  update(): void
  /** Squares. */
  paint(): void
}

/** When a view draws: no more often than the reader wants, in a frame of the browser's, and no squares while out of sight. */
export class PaintLoop {
  readonly #node: HTMLElement
  readonly #steps: PaintSteps
  readonly #visible: IntersectionObserver
  #inView = true
  #frame: number | undefined
  #later: ReturnType<typeof setTimeout> | undefined
  #paintedAtMs = 0

  constructor(node: HTMLElement, steps: PaintSteps) {
    this.#node = node
    this.#steps = steps
    this.#visible = new IntersectionObserver((entries) => {
      this.#inView = entries.at(-1)?.isIntersecting ?? true
      if (this.#inView) this.now()
    })
    this.#visible.observe(node)
  }

  dispose(): void {
    this.#visible.disconnect()
    clearTimeout(this.#later)
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
  }

  soon(): void {
    if (this.#frame !== undefined) return
    const restMs = this.#inView ? preferences.current.refreshMs : unseenMs
    const waitMs = this.#paintedAtMs + restMs - performance.now()
    if (waitMs > 10 || !this.#inView) this.#later ??= setTimeout(() => this.#due(), Math.max(0, waitMs))
    else this.#frame = requestAnimationFrame(() => this.#draw())
  }

  /** What a hand does is shown in the next frame, however slow the refresh. */
  now(): void {
    this.#paintedAtMs = 0
    clearTimeout(this.#later)
    this.#later = undefined
    this.soon()
  }

  #due(): void {
    this.#later = undefined
    if (this.#inView) this.#frame ??= requestAnimationFrame(() => this.#draw())
    else this.#draw()
  }

  #draw(): void {
    this.#frame = undefined
    this.#paintedAtMs = performance.now()
    this.#steps.update()
    if (!this.#inView) return
    this.#steps.paint()
    this.#node.dataset.paintMs = (performance.now() - this.#paintedAtMs).toFixed(2)
  }
}
