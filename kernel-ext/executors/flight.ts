import { performance } from "node:perf_hooks"
import type { BatchEvents, DoneTasks, RunningBatch, TaskEnd } from "../backends/backend.ts"
import { sizeOf } from "./batch.ts"
import type { JobCore } from "./job-core.ts"
import type { ChunkSizer } from "./partition.ts"

/** A job that has tasks to wait for. */
export interface ActiveJob {
  readonly core: JobCore
  readonly sizer: ChunkSizer
  readonly concurrency: number
  /** Batches with the backend now. */
  inFlight: number
}

/** A batch on its way, and the ear for what its backend tells: each word goes to the job, times also to the sizer. */
export class Flight implements BatchEvents {
  readonly job: JobCore
  readonly indices: Uint32Array
  handle: RunningBatch | undefined
  takenBack = false
  readonly #active: ActiveJob
  readonly #changed: (flight: Flight, isOver: boolean) => void
  #heardAtMs = performance.now()

  /** @param changed Called when tasks of it have come back, and when nothing more comes of it. */
  constructor(
    active: ActiveJob,
    indices: Uint32Array,
    changed: (flight: Flight, isOver: boolean) => void = () => {},
  ) {
    this.job = active.core
    this.indices = indices
    this.#active = active
    this.#changed = changed
  }

  /** How long its last task would wait, as far as is known. */
  get waitingMs(): number {
    const { meanMs } = this.#active.sizer
    return meanMs === undefined ? this.silentMs : (this.handle?.waiting ?? 0) * meanMs
  }

  get silentMs(): number {
    return performance.now() - this.#heardAtMs
  }

  started(index: number, worker: string, atMs: number): void {
    this.job.started(index, worker, atMs)
  }

  log(index: number, stream: "stdout" | "stderr", text: string): void {
    this.job.logged(index, stream, text)
  }

  progress(index: number, fraction: number, note: string | undefined): void {
    this.job.reported(index, { fraction, note })
  }

  done(tasks: DoneTasks): void {
    const { sizer } = this.#active
    const count = tasks.indices.length
    this.#heardAtMs = performance.now()
    const firstAt = tasks.startedAtMs[0] ?? 0
    const lastAt = tasks.endedAtMs[count - 1] ?? 0
    sizer.took(count, Math.max(0, lastAt - firstAt))
    const bytes = tasks.results.reduce((sum, segment) => sum + sizeOf(segment), 0)
    sizer.weighed(count, bytes)
    const values = this.#decode(tasks)
    if (values !== undefined) this.job.done(tasks, values, bytes)
  }

  ended(index: number, end: TaskEnd): void {
    this.#heardAtMs = performance.now()
    if (end.kind === "threw") this.#active.sizer.took(1, end.endedAtMs - end.startedAtMs)
    this.job.ended(index, end)
  }

  returned(indices: readonly number[], suspect: boolean): void {
    this.job.returned(indices, suspect)
    this.#changed(this, false)
  }

  cancelled(indices?: readonly number[]): void {
    this.job.cancel(indices)
  }

  get knowledge() {
    const { table, inputs } = this.job
    const isWhole = inputs.complete && inputs.size === table.size
    return { isSettled: (index: number) => index < table.size && table.isSettled(index), isWhole }
  }

  spent(usd: number): void {
    this.job.costUsd = (this.job.costUsd ?? 0) + usd
  }

  closed(error?: Error): void {
    if (error !== undefined) for (const index of this.indices) this.job.failedHere(index, error)
    this.#active.inFlight--
    this.#changed(this, true)
  }

  /** Undefined where the results cannot be read, which fails their tasks. */
  #decode(tasks: DoneTasks): readonly unknown[] | undefined {
    try {
      const { codec } = this.job.captured
      const [first, ...more] = tasks.results
      if (first === undefined) return []
      const values = codec.decodeEach(first)
      return more.length === 0 ? values : values.concat(...more.map((segment) => codec.decodeEach(segment)))
    } catch (error) {
      const wrapped = new Error("The result could not be read.", { cause: error })
      for (const index of tasks.indices) this.job.failedHere(index, wrapped)
      return undefined
    }
  }
}
