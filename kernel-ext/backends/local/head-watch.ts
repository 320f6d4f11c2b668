import type { ControlReply } from "../../protocol/worker.ts"
import type { LocalRun } from "./local-run.ts"
import type { WorkerLink } from "./worker-link.ts"

/** A batch of several tasks that says nothing for this long is asked which one it is at. */
const askAfterMs = 100

/** What the host knows of the task that a worker is at, which is one of the first batch it holds. */
export class HeadWatch {
  /** When the batch was last heard of, and since when its task runs, as far as one can tell from here. */
  #heardAtMs = 0
  #sinceMs = 0
  #position: number | undefined
  #asking = false

  /** Position of the running task, where the worker itself has said it. */
  get position(): number | undefined {
    return this.#position
  }

  /** Position of the task that runs: as the worker said, or else the first of which nothing has been heard. */
  likelyPosition(run: LocalRun): number {
    return this.#position ?? run.base + run.reported
  }

  /** The task at the batch's first unreported offset begins. */
  begin(run: LocalRun, worker: string, nowMs: number): void {
    this.#heardAtMs = nowMs
    this.#sinceMs = nowMs
    this.#position = undefined
    if (!run.isDropped(run.reported)) run.events.started(run.indexAt(run.reported), worker, nowMs)
  }

  rest(): void {
    this.#position = undefined
  }

  /** Takes from an answer of the worker which task it was at. */
  note(run: LocalRun, { next, busy }: ControlReply): void {
    if (busy && next - 1 >= run.base + run.reported) this.#position = next - 1
  }

  /** Asks the worker which task it is at, if it has been silent for long or its task may have run for too long. */
  look(run: LocalRun, link: WorkerLink, nowMs: number, answered: (reply: ControlReply) => void): void {
    const { timeoutMs } = run.batch
    const overdue = timeoutMs !== undefined && nowMs - this.#sinceMs >= timeoutMs
    const silent =
      this.#position === undefined && run.limit - run.reported > 1 && nowMs - this.#heardAtMs > askAfterMs
    if (this.#asking || !(overdue || silent)) return
    this.#asking = true
    link.probe((reply) => {
      this.#asking = false
      answered(reply)
    })
  }

  /** Tells of the task that the worker says it is at. Returns its offset if it has run for too long. */
  answered(run: LocalRun, worker: string, { next, busy, startedAtMs }: ControlReply): number | undefined {
    // While closed, the ticket says nothing new.
    if (!busy) return undefined
    const position = next > 0 ? next - 1 : this.likelyPosition(run)
    const offset = position - run.base
    if (offset < run.reported || offset >= run.limit) return undefined
    if (this.#position !== position) {
      this.#position = position
      if (offset !== run.reported && !run.isDropped(offset))
        run.events.started(run.indexAt(offset), worker, startedAtMs)
    }
    this.#sinceMs = startedAtMs
    const { timeoutMs } = run.batch
    const isLate = timeoutMs !== undefined && Date.now() - startedAtMs >= timeoutMs
    return isLate && !run.isDropped(offset) ? offset : undefined
  }
}
