import { type JobRecord, parseJobRecord } from "../../protocol/queue.ts"
import type { BatchEvents } from "../backend.ts"
import { HeldEnds, type HeldEndsEvents } from "./held-ends.ts"
import { askKernel } from "./kernel-question.ts"
import { doneOf, endOf, type Said } from "./messages.ts"
import type { QueueAccess } from "./queue/access.ts"
import type { Queue } from "./queue/queue.ts"
import { InOrder, saidIn } from "./recorded.ts"

/** A queue in which a job may be found. */
export interface Place {
  readonly access: QueueAccess
  readonly pool: string
}

/** What is told of a job that another process has started. */
export interface FollowedEvents
  extends Pick<BatchEvents, "started" | "log" | "progress" | "done" | "returned">,
    HeldEndsEvents {
  /** There are so many tasks by now. */
  total(count: number): void
  /** What is not known to have ended does not end any more: the job was cancelled, or is over in its kernel. */
  over(): void
}

/** A job in a queue: what is kept of it, then what comes. */
export class FollowedJob {
  readonly record: JobRecord
  readonly #queue: Queue
  readonly #inOrder = new InOrder()
  #stops: (() => void)[] = []
  #cancelling: Promise<unknown> = Promise.resolve()

  private constructor(queue: Queue, record: JobRecord) {
    this.#queue = queue
    this.record = record
  }

  /** Looks in one place after the other. Undefined where none of them has it. @throws where a place cannot be reached and no other has it. */
  static async find(places: readonly Place[], jobId: string): Promise<FollowedJob | undefined> {
    const { Queue } = await import("./queue/queue.ts")
    let problem: Error | undefined
    for (const { access, pool } of places) {
      try {
        const queue = await Queue.open(access, pool, { name: "cellfan attach" })
        const bytes = await queue.newest(queue.names.jobSubject(jobId)).catch(() => undefined)
        const record = bytes && parseJobRecord(bytes)
        if (record !== undefined) {
          await queue.watchClock()
          return new FollowedJob(queue, record)
        }
        await queue.close()
      } catch (error) {
        problem = error as Error
      }
    }
    if (problem !== undefined) throw problem
    return undefined
  }

  /** Tells all that was recorded, in order, then what is. An end that a later attempt mended is not told. */
  async follow(events: FollowedEvents): Promise<void> {
    const { session, jobId } = this.record
    const queue = this.#queue
    const { here } = queue.clock
    const ends = new HeldEnds((indices) => askKernel(queue, session, jobId, indices), events)
    let heard = 0
    let left = Number.POSITIVE_INFINITY
    let isOver = false
    const passed = (): void => {
      heard++
      if (--left > 0) return
      if (!isOver) {
        ends.live()
        return
      }
      ends.over()
      events.over()
    }
    const hear = (said: readonly Said[]): void => {
      for (const one of said) tell(one, events, here, ends)
      passed()
    }
    const hearRecord = (record: JobRecord | undefined): void => {
      if (record !== undefined) events.total(record.total)
      isOver = record?.end !== undefined
      passed()
    }
    this.#stops.push(
      () => ends.close(),
      queue.listen(queue.names.liveSubject(session), ({ data }) => hearLive(data, jobId, events, here)),
    )
    const ownSubject = queue.names.jobSubject(jobId)
    const filter = [queue.names.resultSubject(session, jobId, "*"), ownSubject]
    const { pending, stop } = await queue.read(filter, "all", (subject, bytes) => {
      try {
        if (subject === ownSubject) this.#inOrder.add(parseJobRecord(bytes), hearRecord, passed)
        else this.#inOrder.add(saidIn(queue, bytes), hear, passed)
      } catch {
        passed()
      }
    })
    this.#stops.push(stop)
    left = pending - heard
    if (left <= 0) passed()
  }

  /** Cancels what of the job waits or runs, for its kernel and everybody else too; or these tasks, as far as they run or their kernel lives. */
  cancel(graceMs: number, indices?: readonly number[]): Promise<void> {
    const work = this.#cancel(graceMs, indices)
    this.#cancelling = Promise.allSettled([this.#cancelling, work])
    return work
  }

  async #cancel(graceMs: number, indices: readonly number[] | undefined): Promise<void> {
    const { session, jobId } = this.record
    this.#queue.order({ type: "cancelJob", jobId, indices, graceMs })
    if (indices !== undefined) return
    await this.#queue.recordJob({ ...this.record, end: "cancelled" })
    await this.#queue.purge(this.#queue.names.taskSubject("*", session, jobId))
  }

  async close(): Promise<void> {
    await this.#cancelling
    for (const stop of this.#stops) stop()
    this.#stops = []
    await this.#queue.close()
  }
}

/** Jobs that are kept in a queue, newest last. */
export async function jobsIn({ access, pool }: Place): Promise<JobRecord[]> {
  const { Queue } = await import("./queue/queue.ts")
  const queue = await Queue.open(access, pool, { name: "cellfan job" })
  try {
    if (!(await queue.isThere())) return []
    const newest = new Map<string, JobRecord>()
    for (const { bytes } of await queue.readAll(queue.names.jobSubject("*"))) {
      const record = parseJobRecord(bytes)
      if (record !== undefined) newest.set(record.jobId, record)
    }
    return [...newest.values()].sort((a, b) => a.startedAtMs - b.startedAtMs)
  } finally {
    await queue.close()
  }
}

function tell(said: Said, events: FollowedEvents, here: (ms: number) => number, ends: HeldEnds): void {
  const { message } = said
  switch (message.type) {
    case "done": {
      const tasks = doneOf(said, here)
      for (const index of tasks.indices) ends.mended(index)
      events.done(tasks)
      return
    }
    case "ended":
      ends.hold(message.index, endOf(said, here))
      return
    case "returned":
      events.returned(message.indices, false)
      return
    case "log":
      events.log(message.index, message.stream, message.text)
      return
    default:
      return
  }
}

function hearLive(
  bytes: Uint8Array,
  jobId: string,
  events: FollowedEvents,
  here: (ms: number) => number,
): void {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString())
    if (value.jobId !== jobId || !Number.isInteger(value.index)) return
    if (value.type === "started" && typeof value.worker === "string")
      events.started(value.index, value.worker, here(Number(value.atMs)))
    if (value.type === "progress" && Number.isFinite(value.fraction))
      events.progress(value.index, value.fraction, value.note === undefined ? undefined : String(value.note))
  } catch {
    // What is no message is nobody's.
  }
}
