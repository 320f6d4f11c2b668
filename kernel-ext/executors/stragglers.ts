import { StateCode } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"

/** Before this share of the tasks is done nobody knows what is usual. */
const knownShare = 0.75

/** A second copy of a task that is nearly done gains nothing; shorter than this is never worth one. */
const leastMs = 50

/** Running tasks that take more than `factor` times the median of those done; none while most are not done. */
export function stragglersOf(core: JobCore, factor: number, nowMs: number): number[] {
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
