import { StateCode, type TaskState } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"

/** A job in numbers, up to now. */
export interface JobStats {
  readonly jobId: string
  readonly name: string
  readonly tasks: number
  readonly counts: Readonly<Record<TaskState, number>>
  /** From the call of `map` until the last task settled, or until now. */
  readonly wallMs: number
  /** From the call of `map` until the first task began. */
  readonly startMs: number | undefined
  /** Time that tasks ran, added up. */
  readonly runMs: number
  /** CPU time of tasks, added up; those under a millisecond count with the time they ran. */
  readonly cpuMs: number
  /** Share of the workers' time that tasks ran, from 0 to 1. */
  readonly utilization: number
  /** How long done tasks ran. */
  readonly taskMs:
    | { readonly min: number; readonly median: number; readonly p95: number; readonly max: number }
    | undefined
  readonly peakMemoryBytes: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  /** Further attempts, of all tasks together. */
  readonly retries: number
  /** Tasks that ran again because their worker died, although some of them may have been done. */
  readonly repeated: number
  /** Workers that ran a task of it. */
  readonly workersUsed: number
}

export function statsOf(core: JobCore, workers: number): JobStats {
  const { table } = core
  const endMs = core.endedAtMs ?? Date.now()
  const wallMs = endMs - core.startedAtMs
  const durations: number[] = []
  let [runMs, cpuMs, retries, peak, first] = [0, 0, 0, 0, Number.POSITIVE_INFINITY]
  for (let index = 0; index < table.size; index++) {
    retries += (table.attempts[index] ?? 1) - 1
    const startedAtMs = table.startedAtMs[index] ?? 0
    if (startedAtMs === 0) continue
    first = Math.min(first, startedAtMs)
    if (table.states[index] !== StateCode.done) continue
    const took = (table.endedAtMs[index] ?? startedAtMs) - startedAtMs
    durations.push(took)
    runMs += took
    cpuMs += table.cpuMs[index] || (took < 1 ? took : 0)
    peak = Math.max(peak, table.peakMemoryBytes[index] ?? 0)
  }
  const sorted = Float64Array.from(durations).sort()
  const quantile = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return {
    jobId: core.id,
    name: core.name,
    tasks: table.size,
    counts: { ...core.counts },
    wallMs,
    startMs: first === Number.POSITIVE_INFINITY ? undefined : Math.max(0, first - core.startedAtMs),
    runMs,
    cpuMs,
    utilization:
      wallMs === 0 ? 0 : Math.min(1, runMs / (wallMs * Math.min(workers, Math.max(1, table.size)))),
    taskMs:
      sorted.length === 0
        ? undefined
        : {
            min: quantile(0),
            median: quantile(0.5),
            p95: quantile(0.95),
            max: sorted[sorted.length - 1] ?? 0,
          },
    peakMemoryBytes: peak === 0 ? undefined : peak,
    bytesIn: core.bytesIn,
    bytesOut: core.bytesOut,
    retries,
    repeated: core.repeated,
    workersUsed: table.workerNames.length,
  }
}
