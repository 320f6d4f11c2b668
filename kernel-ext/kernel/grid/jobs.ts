import type { JobView } from "../../executors/observe.ts"
import type { ListedJob } from "../../protocol/job-view.ts"
import { summarize } from "./bundle.ts"
import { listExecutors } from "./executors.ts"
import { JobFeed, type Send } from "./feed.ts"
import { Pulse } from "./pulse.ts"

/** Jobs that stay open to views after they ended. Older ones show what their notebook saved. */
const maxEnded = 100
const maxEndedTasks = 2_000_000
/** Of their results, which stay in memory as long as a view may ask for them. */
const maxEndedBytes = 64 * 1024 * 1024
const listIntervalMs = 500
/** Workers come and go without a job's doing: machines that start, and those that are lost. */
const lookIntervalMs = 1000

export interface KnownJob {
  readonly feed: JobFeed
  readonly pulse: Pulse
  /** Label of the cell it was started in. */
  readonly cell: string
  /** What shows it in its cell. */
  output?: { close(): void }
}

/** The jobs of this kernel that views can ask for, and the list of them for whoever watches all. */
export class Jobs {
  readonly #known = new Map<string, KnownJob>()
  readonly #listeners = new Set<Send>()
  #timer: NodeJS.Timeout | undefined
  #lookTimer: NodeJS.Timeout | undefined
  #toldExecutors = ""

  get(id: string): KnownJob | undefined {
    return this.#known.get(id)
  }

  add(job: JobView, cell: string): KnownJob {
    const pulse = new Pulse(job)
    const known: KnownJob = { feed: new JobFeed(job, pulse), pulse, cell }
    this.#known.set(job.id, known)
    pulse.listen(() => this.#listLater())
    this.#forgetOld()
    this.#listLater()
    return known
  }

  watchAll(send: Send): void {
    this.#listeners.add(send)
    this.#list(send)
    this.#lookTimer ??= setInterval(() => {
      if (JSON.stringify(listExecutors()) !== this.#toldExecutors) this.tellAll()
    }, lookIntervalMs).unref()
  }

  unwatchAll(send: Send): void {
    this.#listeners.delete(send)
    if (this.#listeners.size === 0) this.#stopLooking()
  }

  /** Something that no job tells of has changed. */
  tellAll(): void {
    for (const send of this.#listeners) this.#list(send)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#stopLooking()
    this.#listeners.clear()
    for (const id of [...this.#known.keys()]) this.#forget(id)
  }

  #listLater(): void {
    if (this.#timer !== undefined || this.#listeners.size === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.tellAll()
    }, listIntervalMs).unref()
  }

  #list(send: Send): void {
    const jobs: ListedJob[] = []
    for (const { feed, cell } of this.#known.values()) jobs.push({ ...summarize(feed.job), cell })
    const executors = listExecutors()
    this.#toldExecutors = JSON.stringify(executors)
    send({ type: "jobs", nowMs: Date.now(), jobs, executors })
  }

  #stopLooking(): void {
    clearInterval(this.#lookTimer)
    this.#lookTimer = undefined
  }

  #forgetOld(): void {
    let [count, tasks, bytes] = [0, 0, 0]
    for (const { feed } of this.#known.values()) {
      if (feed.job.endedAtMs === undefined) continue
      count++
      tasks += feed.job.size
      bytes += feed.job.bytesReceived ?? 0
    }
    for (const { feed } of this.#known.values()) {
      if (count <= maxEnded && tasks <= maxEndedTasks && bytes <= maxEndedBytes) return
      if (feed.job.endedAtMs === undefined) continue
      count--
      tasks -= feed.job.size
      bytes -= feed.job.bytesReceived ?? 0
      this.#forget(feed.job.id)
    }
  }

  #forget(id: string): void {
    const known = this.#known.get(id)
    known?.feed.close()
    known?.output?.close()
    known?.pulse.close()
    this.#known.delete(id)
  }
}
