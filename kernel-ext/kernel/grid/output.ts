import type { JobView } from "../../executors/observe.ts"
import { jobMime, type SavedJob } from "../../protocol/job-view.ts"
import { onCellEnd } from "../current-cell.ts"
import { ownWork } from "../own-work.ts"
import type { Cell, DisplayBundle } from "../types.ts"
import { jobBundle, withPng } from "./bundle.ts"
import type { Pulse } from "./pulse.ts"
import type { JobWidget } from "./widgets.ts"

/**
 * A job's picture in its cell's output. Live views draw from the comm; this is what the notebook saves and what front
 * ends without the extension show, so it is renewed rarely: at the end, and before that ever less often. Where the front
 * end has anywidget, a live view stands in its place while the job runs; the end is a picture again, since a saved
 * widget is nothing without its kernel. To the end belongs a PNG, which code that waits for the job does not wait for.
 */

/** A job that ends sooner needs no live view. */
const widgetAfterMs = 400
const firstUpdateMs = 2000
const slowestUpdateMs = 60_000
/** After a job's end; its cell's end comes first where the cell waits for the job. */
const pngAfterMs = 200

export interface OutputHost {
  /** Gets each bundle after the first. */
  renewed(bundle: DisplayBundle): void
  openWidget(saved: SavedJob): JobWidget | undefined
}

/** Shows the job in a cell and keeps it up to date until it is closed. */
export class JobOutput {
  readonly #job: JobView
  readonly #cell: Cell
  readonly #host: OutputHost
  readonly #displayId: string
  #timer: NodeJS.Timeout | undefined
  #widget: JobWidget | undefined
  #ended: boolean
  /** What is left to do when the job has ended. */
  #addPng: (() => void) | undefined
  readonly #forgetCell: () => void

  constructor(job: JobView, pulse: Pulse, cell: Cell, host: OutputHost) {
    this.#job = job
    this.#cell = cell
    this.#host = host
    this.#displayId = `cellfan-${job.id}`
    this.#forgetCell = onCellEnd(cell, () => this.#addPng?.())
    this.#ended = job.endedAtMs !== undefined
    cell.output.displayData({ ...jobBundle(job, Date.now()), displayId: this.#displayId })
    pulse.listen(() => this.#look())
    if (!this.#ended) this.#begin()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#forgetCell()
    this.#addPng = undefined
    this.#widget?.close()
    this.#widget = undefined
  }

  #begin(): void {
    this.#timer = setTimeout(() => {
      if (this.#openWidget()) this.#renew()
      this.#renewLater()
    }, widgetAfterMs).unref()
  }

  /** Whether a live view has come: a front end may be slow to say that it can show one. */
  #openWidget(): boolean {
    if (this.#widget !== undefined) return false
    this.#widget = this.#host.openWidget(jobBundle(this.#job, Date.now()).data[jobMime])
    return this.#widget !== undefined
  }

  #renewLater(): void {
    const elapsedMs = Date.now() - this.#job.startedAtMs
    const waitMs = Math.min(slowestUpdateMs, Math.max(firstUpdateMs, elapsedMs / 2))
    this.#timer = setTimeout(() => {
      // A live view needs no new picture, and would be drawn anew for it.
      if (this.#openWidget() || this.#widget === undefined) this.#renew()
      this.#renewLater()
    }, waitMs).unref()
  }

  /** The job ended, or goes on after a retry. */
  #look(): void {
    if (this.#ended === (this.#job.endedAtMs !== undefined)) return
    this.#ended = !this.#ended
    clearTimeout(this.#timer)
    this.#addPng = undefined
    if (!this.#ended) {
      this.#begin()
      return
    }
    const widget = this.#widget
    this.#widget = undefined
    const bundle = jobBundle(this.#job, Date.now())
    this.#renew(bundle)
    widget?.close()
    this.#addPng = () => {
      this.#addPng = undefined
      clearTimeout(this.#timer)
      this.#renew(ownWork(() => withPng(bundle, this.#job)))
    }
    this.#timer = setTimeout(() => this.#addPng?.(), pngAfterMs).unref()
  }

  #renew(bundle = jobBundle(this.#job, Date.now())): void {
    this.#cell.output.updateDisplayData({
      ...bundle,
      // The live view first: some front ends go by the order.
      data: { ...this.#widget?.data, ...bundle.data },
      displayId: this.#displayId,
    })
    this.#host.renewed(bundle)
  }
}
