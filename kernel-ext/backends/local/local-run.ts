import type { BatchEvents, RunningBatch, TaskBatch } from "../backend.ts"
import { BatchRun } from "../batch-run.ts"
import type { Slot } from "./slot.ts"

/** A batch in a slot's hands. */
export class LocalRun extends BatchRun implements RunningBatch {
  readonly id: number
  /** The number that workers know its job by. */
  readonly job: number
  readonly slot: Slot
  /** Position of its first task, and the epoch it was sent in. */
  base = 0
  epoch = 0

  constructor(id: number, job: number, batch: TaskBatch, events: BatchEvents, slot: Slot) {
    super(batch, events)
    this.id = id
    this.job = job
    this.slot = slot
  }

  sent(base: number, epoch: number): void {
    this.base = base
    this.epoch = epoch
  }

  get waiting(): number {
    return Math.max(0, this.limit - this.reported - (this.slot.head === this ? 1 : 0))
  }

  takeBack(): void {
    if (!this.slot.withdraw(this) && !this.isOver) this.slot.takeBack()
  }

  cancel(indices: readonly number[], graceMs: number): void {
    if (this.dropAll(indices) && !this.slot.withdraw(this))
      this.slot.takeBack(() => this.slot.endDropped(this, "cancelled", graceMs))
  }
}
