import { AsyncLocalStorage } from "node:async_hooks"
import { formatWithOptions } from "node:util"
import { ConfigError } from "../errors.ts"
import type { TaskContext } from "../protocol/context.ts"
import type { JobStorage } from "../protocol/storage.ts"
import type { FromWorker } from "../protocol/worker.ts"
import { useJobStorage } from "../storage/known.ts"
import { StorageClient } from "../storage/storage.ts"
import { randomFor } from "./random.ts"
import { TaskLog } from "./task-log.ts"

/** What the tasks of one job share in this worker. */
export interface JobInWorker {
  /** The host's number for the job. */
  readonly key: number
  readonly jobId: string
  readonly hash: string
  readonly seed: number
  readonly env: Readonly<Record<string, string>>
  readonly storage: JobStorage | undefined
  send(message: FromWorker): void
}

/** The task that the running code belongs to, also from timers and promises that outlive it. */
export const currentTask = new AsyncLocalStorage<RunningTask>()

useJobStorage(() => currentTask.getStore()?.jobStorage)

/** One run of one task; what user code sees of it is `TaskContext`. Made for each task, so all but its name is lazy. */
export class RunningTask implements TaskContext {
  readonly index: number
  readonly attempt: number
  /** Makes the task fail from outside: an error that no promise of it carries. Only set while it is awaited. */
  fail: ((error: unknown) => void) | undefined
  ended = false
  readonly #job: JobInWorker
  #abort: AbortController | undefined
  #abortReason: unknown
  #random: (() => number) | undefined
  #log: TaskLog | undefined

  constructor(job: JobInWorker, index: number, attempt: number) {
    this.#job = job
    this.index = index
    this.attempt = attempt
  }

  get jobId(): string {
    return this.#job.jobId
  }

  get jobStorage(): JobStorage | undefined {
    return this.#job.storage
  }

  get storage(): StorageClient {
    const own = this.#job.storage?.own ?? { problem: "This backend gives its tasks no storage." }
    if ("problem" in own)
      throw new ConfigError(`ctx.storage cannot be used. ${own.problem}`, { key: "storage" })
    return new StorageClient(own)
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason)
    }
    return this.#abort.signal
  }

  progress(fraction: number, note?: string): void {
    if (typeof fraction !== "number" || Number.isNaN(fraction))
      throw new TypeError(`ctx.progress takes a fraction from 0 to 1, but got ${String(fraction)}.`)
    this.#job.send({
      type: "progress",
      job: this.#job.key,
      index: this.index,
      fraction: Math.min(1, Math.max(0, fraction)),
      note: note === undefined ? undefined : String(note),
    })
  }

  random(): number {
    this.#random ??= randomFor(this.#job.seed, this.index)
    return this.#random()
  }

  log(...values: unknown[]): void {
    this.output.write("stdout", `${formatWithOptions({ colors: false }, ...values)}\n`)
  }

  /** Where the task's console output goes. */
  get output(): TaskLog {
    this.#log ??= new TaskLog((stream, text) =>
      this.#job.send({ type: "log", job: this.#job.key, index: this.index, stream, text }),
    )
    return this.#log
  }

  abort(reason: unknown): void {
    this.#abortReason = reason
    this.#abort?.abort(reason)
  }

  end(): void {
    this.ended = true
    this.fail = undefined
    this.#log?.flush()
  }
}
