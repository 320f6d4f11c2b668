import type { Encoded } from "../capture/types.ts"
import type { FromWorker } from "../protocol/worker.ts"
import { type BatchEvents, noTask, type TaskBatch } from "./backend.ts"

type ReportMessage = Extract<FromWorker, { type: "report" }>

/** A batch in the hands of one worker, and what that says of it. Its tasks end in order, so two numbers say how far it is. */
export class BatchRun {
  readonly batch: TaskBatch
  readonly events: BatchEvents
  /** Tasks before this offset have ended. */
  reported = 0
  /** Tasks from this offset on were given back. */
  limit: number
  /** Offsets of tasks that nobody waits for any more. */
  #dropped: Set<number> | undefined

  constructor(batch: TaskBatch, events: BatchEvents) {
    this.batch = batch
    this.events = events
    this.limit = batch.indices.length
  }

  get isOver(): boolean {
    return this.reported >= this.limit
  }

  /** Drops those of these tasks that have not ended. Whether there were any. */
  dropAll(indices: readonly number[]): boolean {
    const unwanted = new Set(indices)
    let found = false
    for (let offset = this.reported; offset < this.limit; offset++) {
      if (!unwanted.has(this.indexAt(offset))) continue
      this.drop(offset)
      found = true
    }
    return found
  }

  indexAt(offset: number): number {
    return this.batch.indices[offset] ?? noTask
  }

  drop(offset: number): void {
    this.#dropped ??= new Set()
    this.#dropped.add(offset)
  }

  isDropped(offset: number): boolean {
    return this.#dropped?.has(offset) === true
  }

  report(message: ReportMessage, parts: readonly Uint8Array[], worker: string): void {
    const { from, count, failures } = message
    if (from !== this.reported || from + count > this.limit)
      throw new RangeError(`a report of tasks ${from} to ${from + count - 1}, expected from ${this.reported}`)
    const [timeBytes] = parts
    if (timeBytes === undefined || timeBytes.byteLength !== 16 * count)
      throw new RangeError("a report without times")
    const times = new Float64Array(timeBytes.buffer, timeBytes.byteOffset, 2 * count)
    this.reported = from + count
    for (const failure of failures) {
      if (this.isDropped(failure.offset)) continue
      const at = measurementOf(message.slow, failure.offset)
      this.events.ended(this.indexAt(failure.offset), {
        kind: "threw",
        worker,
        name: failure.name,
        message: failure.message,
        stack: failure.stack,
        error: failure.error,
        startedAtMs: times[failure.offset - from] ?? 0,
        endedAtMs: times[failure.offset - from + count] ?? 0,
        cpuMs: message.slow[at + 1],
        peakMemoryBytes: message.slow[at + 2] ?? message.peakMemoryBytes,
      })
    }
    if (failures.length < count) this.#done(message, times, segmentsOf(message.segments, parts), worker)
  }

  #done(message: ReportMessage, times: Float64Array, results: readonly Encoded[], worker: string): void {
    const { from, count, failures, slow, peakMemoryBytes } = message
    let indices = this.batch.indices.subarray(from, from + count)
    let startedAtMs = times.subarray(0, count)
    let endedAtMs = times.subarray(count)
    const measured = slow.slice()
    for (let i = 0; i < measured.length; i += 3) measured[i] = (measured[i] ?? 0) - from
    if (this.#dropped !== undefined)
      indices = indices.map((index, i) => (this.isDropped(from + i) ? noTask : index))
    if (failures.length > 0) {
      const failed = new Set(failures.map((failure) => failure.offset - from))
      const kept = (_: number, i: number) => !failed.has(i)
      const rank = new Map([...indices.keys()].filter((i) => !failed.has(i)).map((i, r) => [i, r]))
      indices = indices.filter(kept)
      startedAtMs = startedAtMs.filter(kept)
      endedAtMs = endedAtMs.filter(kept)
      for (let i = measured.length - 3; i >= 0; i -= 3) {
        const r = rank.get(measured[i] ?? -1)
        if (r === undefined) measured.splice(i, 3)
        else measured[i] = r
      }
    }
    this.events.done({ worker, indices, results, startedAtMs, endedAtMs, measured, peakMemoryBytes })
  }

  /** Gives back the tasks from `offset` on. */
  cut(offset: number, suspect = false): void {
    const from = Math.max(offset, this.reported)
    if (from >= this.limit) return
    const indices: number[] = []
    for (let at = from; at < this.limit; at++) if (!this.isDropped(at)) indices.push(this.indexAt(at))
    this.limit = from
    if (indices.length > 0) this.events.returned(indices, suspect)
  }
}

/** Where the measurement of a task begins; past the end where there is none. */
function measurementOf(slow: readonly number[], offset: number): number {
  for (let at = 0; at < slow.length; at += 3) if (slow[at] === offset) return at
  return slow.length
}

/** The parts after the first, as the segments say. */
function segmentsOf(blobCounts: readonly number[], parts: readonly Uint8Array[]): Encoded[] {
  let at = 1
  return blobCounts.map((count) => {
    const [bytes, ...blobs] = parts.slice(at, at + 1 + count)
    at += 1 + count
    if (bytes === undefined || blobs.length < count) throw new RangeError("a report without its results")
    return { bytes, blobs }
  })
}
