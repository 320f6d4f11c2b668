import type { JobView } from "../../executors/observe.ts"
import { formatCount } from "../../protocol/job-words.ts"
import type { Cell } from "../types.ts"

/** Calls of one task that get an output of their own in a cell. */
const shownPerCell = 8
const updateMs = 1000

interface Rest {
  readonly displayId: string
  started: number
  ended: number
  failed: number
  timer: NodeJS.Timeout | undefined
}

/** A loop of a thousand callAsync is one line of text after the first few calls, not a thousand outputs. */
export class SingleCalls {
  readonly #shown = new WeakMap<Cell, number>()
  readonly #rest = new WeakMap<Cell, Rest>()
  readonly #timers = new Set<NodeJS.Timeout>()

  /** Whether the job is one more call that is only counted. */
  counted(job: JobView, cell: Cell): boolean {
    if (!job.sized || job.size !== 1) return false
    const shown = this.#shown.get(cell) ?? 0
    this.#shown.set(cell, shown + 1)
    if (shown < shownPerCell) return false
    this.#count(job, cell)
    return true
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }

  #count(job: JobView, cell: Cell): void {
    const rest = this.#rest.get(cell) ?? this.#open(cell)
    rest.started++
    const stop = job.observe(() => {
      if (job.endedAtMs === undefined) return
      stop()
      rest.ended++
      if (job.counts.failed > 0) rest.failed++
      this.#updateLater(rest, cell)
    })
    this.#updateLater(rest, cell)
  }

  #open(cell: Cell): Rest {
    const rest: Rest = {
      displayId: `cellfan-calls-${cell.id}`,
      started: 0,
      ended: 0,
      failed: 0,
      timer: undefined,
    }
    this.#rest.set(cell, rest)
    cell.output.displayData({
      data: { "text/plain": words({ ...rest, started: 1 }) },
      displayId: rest.displayId,
    })
    return rest
  }

  #updateLater(rest: Rest, cell: Cell): void {
    if (rest.timer !== undefined) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      rest.timer = undefined
      cell.output.updateDisplayData({ data: { "text/plain": words(rest) }, displayId: rest.displayId })
    }, updateMs)
    timer.unref()
    rest.timer = timer
    this.#timers.add(timer)
  }
}

function words({ started, ended, failed }: Pick<Rest, "started" | "ended" | "failed">): string {
  const calls = `and ${formatCount(started)} more ${started === 1 ? "call" : "calls"}`
  return `${calls}: ${formatCount(ended - failed)} done${failed === 0 ? "" : `, ${formatCount(failed)} failed`}`
}
