import type { TaskDetails } from "../../../kernel-ext/protocol/job-view.ts"
import { type TaskState, taskStates } from "../../../kernel-ext/protocol/task.ts"
import type { JobModel } from "../model/job-model.ts"
import { DetailsView } from "./details/details.ts"
import type { GridView } from "./grid/grid-view.ts"
import type { JobHost } from "./job-view.ts"
import { Tooltip } from "./tooltip.ts"

/** The pointer rests this long on a task before the kernel is asked about it. */
const peekMs = 120

/** Which task is looked at: the one whose details are open, and the one under the pointer. */
export class OpenTask {
  readonly details: DetailsView
  readonly tooltip = new Tooltip()
  readonly #model: JobModel
  readonly #grid: () => GridView
  #open: number | undefined
  /** Whether the details are still to be scrolled to. */
  #arriving = false
  /** Set between the wish for a cell and the kernel's answer, which other views of the job hear as well. */
  #takeCell: JobHost["takeCell"]
  #peek: ReturnType<typeof setTimeout> | undefined

  /** `grid` is asked for later: each knows the other. */
  constructor(model: JobModel, host: JobHost, grid: () => GridView) {
    this.#model = model
    this.#grid = grid
    this.details = new DetailsView({
      close: () => this.close(),
      step: (step) => {
        if (this.#open !== undefined) this.open(this.#open + step)
      },
      cancel: (task) => model.send({ type: "cancel", indices: [task] }),
      retry: (task) => model.send({ type: "retry", indices: [task] }),
      cell: (task) => {
        this.#takeCell = host.takeCell
        model.send({ type: "cell", index: task })
      },
      openCell:
        host.openCell && ((label, line, column) => host.openCell?.(label, line, column, this.details.node)),
    })
  }

  get index(): number | undefined {
    return this.#open
  }

  dispose(): void {
    clearTimeout(this.#peek)
    if (this.#open !== undefined) this.#model.send({ type: "watch", index: null })
  }

  open(task: number): void {
    const { summary, liveness } = this.#model
    if (task < 0 || task >= summary.size) return
    this.#open = task
    this.tooltip.hide()
    this.details.open(task, this.#stateOf(task), summary, liveness === "live")
    this.#grid().selected = task
    this.#arriving = true
    this.#model.send({ type: "watch", index: task })
    this.#arrive()
  }

  close(): void {
    if (this.#open === undefined) return
    this.#open = undefined
    this.details.close()
    const grid = this.#grid()
    grid.selected = undefined
    this.#model.send({ type: "watch", index: null })
    grid.node.focus({ preventScroll: true })
  }

  /** Another kernel, or the same again: it does not know what is open here. */
  reconnected(): void {
    if (this.#open !== undefined) this.#model.send({ type: "watch", index: this.#open })
  }

  tell(task: TaskDetails, watched: boolean): void {
    const { summary, nowMs } = this.#model
    if (watched) {
      this.details.show(task, summary, nowMs)
      this.#arrive()
    }
    this.tooltip.describe(task, nowMs)
  }

  /** The kernel's answer to the wish for a cell. */
  tellCell(code: string): void {
    this.#takeCell?.(code, this.details.node)
    this.#takeCell = undefined
  }

  /** The pointer or the cursor rests on a task, at a place in the grid's box. */
  point(task: number | undefined, x: number, y: number): void {
    if (task === undefined) {
      clearTimeout(this.#peek)
      this.tooltip.hide()
      return
    }
    const changed = this.tooltip.task !== task
    this.tooltip.show(task, this.#stateOf(task), x, y)
    if (!changed) return
    clearTimeout(this.#peek)
    this.#peek = setTimeout(() => this.#model.send({ type: "peek", index: task }), peekMs)
  }

  /** Scrolls to what was just opened, once it has its whole height. */
  #arrive(): void {
    if (!this.#arriving) return
    this.#arriving = this.#model.liveness === "live" && !this.details.known
    this.details.node.scrollIntoView({ block: "nearest" })
  }

  #stateOf(task: number): TaskState {
    return taskStates[this.#model.states[task] ?? 0] ?? "queued"
  }
}
