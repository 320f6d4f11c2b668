import type { TaskTable } from "./table.ts"

/** What is known of a task's newest attempt. Times are in milliseconds since 1970; undefined until known. */
export interface TaskStats {
  readonly attempt: number
  /** "localhost:41233", … */
  readonly worker: string | undefined
  readonly queuedAtMs: number
  readonly startedAtMs: number | undefined
  readonly endedAtMs: number | undefined
  /** From when it was queued until it began. */
  readonly queueMs: number | undefined
  /** From when it began until it ended. */
  readonly runMs: number | undefined
  /** Processor time of its worker while it ran. For tasks under a millisecond this is how long they ran. */
  readonly cpuMs: number | undefined
  /** The most its worker ever had in memory by the time the task ended. Of a thread: in V8's hands whenever a task ended. */
  readonly peakMemoryBytes: number | undefined
  /** Of its input, as it travelled. Inputs that travel together count each with an equal share. */
  readonly bytesIn: number | undefined
  /** Of its result, likewise; undefined until it is done. */
  readonly bytesOut: number | undefined
}

export function taskStatsOf(table: TaskTable, index: number): TaskStats {
  const queuedAtMs = table.queuedAtMs[index] ?? 0
  const startedAtMs = known(table.startedAtMs[index])
  const endedAtMs = known(table.endedAtMs[index])
  const runMs = startedAtMs === undefined || endedAtMs === undefined ? undefined : endedAtMs - startedAtMs
  return {
    attempt: table.attempts[index] ?? 1,
    worker: table.workerOf(index),
    queuedAtMs,
    startedAtMs,
    endedAtMs,
    // Clocks of two processes differ by a fraction of a millisecond.
    queueMs: startedAtMs === undefined ? undefined : Math.max(0, startedAtMs - queuedAtMs),
    runMs,
    cpuMs: known(table.cpuMs[index]) ?? (runMs !== undefined && runMs < 1 ? runMs : undefined),
    peakMemoryBytes: known(table.peakMemoryBytes[index]),
    bytesIn: known(table.bytesIn[index]),
    bytesOut: known(table.bytesOut[index]),
  }
}

function known(value: number | undefined): number | undefined {
  return value === undefined || value === 0 ? undefined : value
}
