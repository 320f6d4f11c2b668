import { StateCode, type TaskState } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"

/** How durations are spread, in milliseconds. */
export interface Spread {
  readonly min: number
  readonly median: number
  readonly p95: number
  readonly max: number
}

/** A job in numbers, up to now. Names carry the units. */
export interface JobStats {
  readonly jobId: string
  readonly name: string
  readonly tasks: number
  readonly counts: Readonly<Record<TaskState, number>>
  /** From the call of `map` until the last task settled, or until now. */
  readonly wallMs: number
  /** From the call of `map` until the first task began. */
  readonly startMs: number | undefined
  /** Time that tasks ran, added up: of each that is done or has failed, its last attempt. */
  readonly runMs: number
  /** Processor time of the same attempts; those under a millisecond count with the time they ran. */
  readonly cpuMs: number
  /** Share of the workers' time that tasks ran, from 0 to 1. */
  readonly utilization: number
  /** How long done tasks ran. */
  readonly taskMs: Spread | undefined
  /** How long they were queued before that. */
  readonly queueMs: Spread | undefined
  /** The most memory that one worker had. */
  readonly peakMemoryBytes: number | undefined
  /** Inputs on their way to workers, further attempts included, and results on their way back. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** Further attempts, of all tasks together. */
  readonly retries: number
  /** Tasks that ran again because their worker died, although some of them may have been done. */
  readonly repeated: number
  /** Tasks that did not run, because `cache` knew their results. */
  readonly recalled: number
  /** Workers that its tasks ran in, each counted with where it ran last. */
  readonly workersUsed: number
  /** What it has cost, in US dollars; undefined where the backend does not tell. */
  readonly costUsd: number | undefined
}

export function statsOf(core: JobCore, workers: number): JobStats {
  const { table } = core
  const wallMs = (core.endedAtMs ?? Date.now()) - core.startedAtMs
  const { took, waited, runMs, cpuMs, retries, peak, first, workersUsed } = addedUp(core)
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
    taskMs: spreadOf(took),
    queueMs: spreadOf(waited),
    peakMemoryBytes: peak === 0 ? undefined : peak,
    bytesIn: core.bytesIn,
    bytesOut: core.bytesOut,
    retries,
    repeated: core.repeated,
    recalled: core.recalled,
    workersUsed,
    costUsd: core.costUsd,
  }
}

function addedUp({ table }: JobCore) {
  const took: number[] = []
  const waited: number[] = []
  const used = new Set<number>()
  let [runMs, cpuMs, retries, peak, first] = [0, 0, 0, 0, Number.POSITIVE_INFINITY]
  for (let index = 0; index < table.size; index++) {
    retries += (table.attempts[index] ?? 1) - 1
    const startedAtMs = table.startedAtMs[index] ?? 0
    if (startedAtMs === 0) continue
    first = Math.min(first, startedAtMs)
    used.add(table.workers[index] ?? 0)
    const state = table.states[index]
    if (state !== StateCode.done && state !== StateCode.failed) continue
    const ms = (table.endedAtMs[index] ?? startedAtMs) - startedAtMs
    runMs += ms
    cpuMs += table.cpuMs[index] || (ms < 1 ? ms : 0)
    peak = Math.max(peak, table.peakMemoryBytes[index] ?? 0)
    if (state !== StateCode.done) continue
    took.push(ms)
    waited.push(Math.max(0, startedAtMs - (table.queuedAtMs[index] ?? startedAtMs)))
  }
  used.delete(0)
  return { took, waited, runMs, cpuMs, retries, peak, first, workersUsed: used.size }
}

function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = Float64Array.from(values).sort()
  const last = sorted.length - 1
  if (last < 0) return undefined
  const quantile = (share: number) => sorted[Math.min(last, Math.floor(share * sorted.length))] ?? 0
  return { min: quantile(0), median: quantile(0.5), p95: quantile(0.95), max: sorted[last] ?? 0 }
}
