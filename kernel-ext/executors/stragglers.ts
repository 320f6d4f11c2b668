import { StateCode } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"

/** Before this share of the tasks is done nobody knows what is usual. */
const knownShare = 0.75

/** A second copy of a task that is nearly done gains nothing; shorter than this is never worth one. */
const leastMs = 50

const lookEveryMs = 50

/** Looks for tasks worth a second copy, as long as there are jobs that ask for it. */
export class StragglerWatch {
  readonly #jobs: () => readonly JobCore[]
  readonly #copy: (job: JobCore, index: number) => void
  #timer: NodeJS.Timeout | undefined

  /**
   * @param jobs Those that run and ask for copies.
   * @param copy Sends one, if a worker is free.
   */
  constructor(jobs: () => readonly JobCore[], copy: (job: JobCore, index: number) => void) {
    this.#jobs = jobs
    this.#copy = copy
  }

  look(): void {
    if (this.#timer !== undefined) return
    const jobs = this.#jobs()
    if (jobs.length === 0) return
    for (const job of jobs)
      for (const index of stragglersOf(job, job.options.backupAfter ?? 0, Date.now())) this.#copy(job, index)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.look()
    }, lookEveryMs)
    this.#timer.unref()
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}

/** Running tasks that take more than `factor` times the median of those done; none while most are not done. */
function stragglersOf(core: JobCore, factor: number, nowMs: number): number[] {
  const { table, counts } = core
  if (counts.queued > 0 || counts.running === 0 || counts.done < knownShare * table.size) return []
  const limitMs = Math.max(leastMs, factor * medianMs(core))
  const slow: number[] = []
  for (let index = 0; index < table.size; index++) {
    if (table.states[index] !== StateCode.running || core.copies.has(index)) continue
    if (nowMs - (table.startedAtMs[index] ?? nowMs) > limitMs) slow.push(index)
  }
  return slow
}

function medianMs({ table }: JobCore): number {
  const took: number[] = []
  for (let index = 0; index < table.size; index++)
    if (table.states[index] === StateCode.done)
      took.push((table.endedAtMs[index] ?? 0) - (table.startedAtMs[index] ?? 0))
  return Float64Array.from(took).sort()[took.length >> 1] ?? 0
}
