import { BatchRun } from "../batch-run.ts"

/** What became of tasks whose call did not run them all. Each is counted once, whatever comes. */
export class TasksOfCall extends BatchRun {
  /** The task has had its time; those after it have not begun. */
  timedOut(offset: number, startedAtMs: number, worker: string, limit?: string): void {
    if (offset < this.reported || offset >= this.limit) {
      this.cut(this.reported)
      return
    }
    this.cut(offset + 1)
    if (!this.isDropped(offset))
      this.events.ended(this.indexAt(offset), { kind: "timedOut", worker, startedAtMs, limit })
    this.#cutBefore(offset)
  }

  /** The function's time is up. A task that had all of it to itself has failed; others run again, apart. */
  tookAllTime(worker: string, hint: string): void {
    const isAlone = this.limit - this.reported === 1 && this.reported === 0
    if (!isAlone) this.cut(this.reported, true)
    else this.timedOut(0, Date.now(), worker, `was still running ${hint},`)
  }

  /** The worker died under the task; where it is not known which one that was, all that may have begun are suspect. */
  lost(known: number | undefined, reason: string, worker: string): void {
    const offset = known ?? (this.limit - this.reported === 1 ? this.reported : undefined)
    if (offset === undefined || offset < this.reported || offset >= this.limit) {
      this.cut(this.reported, true)
      return
    }
    this.cut(offset + 1)
    if (!this.isDropped(offset)) this.events.ended(this.indexAt(offset), { kind: "lost", worker, reason })
    this.#cutBefore(offset)
  }

  /** The results are more than an answer may be: of one task, that has failed; of several, they run apart. */
  tooLarge(message: string, worker: string): void {
    if (this.limit - this.reported > 1) {
      this.cut(this.reported, true)
      return
    }
    const atMs = Date.now()
    const ended = { startedAtMs: atMs, endedAtMs: atMs, stack: "", error: undefined }
    const failure = { kind: "threw", worker, name: "RangeError", message, ...ended } as const
    this.events.ended(this.indexAt(this.reported), failure)
    this.limit = this.reported
  }

  /** Gives back what is before a task that has ended, where it was not reported. */
  #cutBefore(offset: number): void {
    this.limit = offset
    this.cut(this.reported)
  }
}
