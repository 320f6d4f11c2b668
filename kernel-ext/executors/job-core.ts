import { randomUUID } from "node:crypto"
import { type BatchEvents, type DoneTasks, noTask, type TaskEnd } from "../backends/backend.ts"
import type { Captured, Encoded } from "../capture/types.ts"
import type { ResolvedJobOptions } from "../config/schema.ts"
import { jobStorage } from "../config/storage.ts"
import type { JobStorage } from "../protocol/storage.ts"
import { StateCode, type TaskState } from "../protocol/task.ts"
import { type Failure, Failures } from "./failures.ts"
import { InputQueue } from "./inputs.ts"
import type { JobHost, JobSpec, Progress } from "./job-spec.ts"
import { LogStore } from "./logs.ts"
import type { ResultCache } from "./result-cache.ts"
import { verdictOn } from "./retries.ts"
import { Settling } from "./settling.ts"
import { TaskTable } from "./table.ts"
import { type Taken, TaskQueue } from "./task-queue.ts"

/**
 * A job: its tasks and what became of them. `Job` shows it to users and views, the scheduler moves it on. What it is made of
 * stands in table.ts, task-queue.ts, inputs.ts, failures.ts, logs.ts and settling.ts; what may happen to a task, in
 * protocol/task.ts.
 */
export class JobCore {
  readonly id: string
  readonly name: string
  readonly captured: Captured
  readonly options: ResolvedJobOptions
  readonly extraArgs: Encoded | undefined
  readonly table = new TaskTable()
  readonly inputs: InputQueue
  readonly results: unknown[] = []
  readonly logs = new LogStore()
  readonly progress = new Map<number, Progress>()
  readonly settling = new Settling()
  readonly startedAtMs = Date.now()
  endedAtMs: number | undefined
  bytesIn = 0
  bytesOut = 0
  /** Undefined where the backend does not tell. */
  costUsd: number | undefined
  /** What a backend tells late output of the job through, as long as someone holds the job. */
  newestFlight: BatchEvents | undefined
  /** Tasks of which a second copy runs. */
  readonly copies = new Set<number>()
  /** Tasks that ran again because a worker died, although they may have been done. */
  repeated = 0
  /** Tasks of which one killed its worker, as far as is known. */
  readonly #suspects = new Set<number>()
  /** Tasks whose results were known from earlier jobs. */
  recalled = 0
  /** Whether the job was cancelled before all inputs were read. */
  inputsCut = false
  /** What kept the inputs from being read to their end. */
  inputError: Error | undefined
  #storage: JobStorage | undefined
  readonly #host: JobHost
  readonly #cache: ResultCache | undefined
  readonly #queue: TaskQueue
  readonly #failures = new Failures()
  /** Another array with each change: listeners may come and go while it is gone through. */
  #listeners: readonly ((indices: ArrayLike<number>) => void)[] = []

  constructor(spec: JobSpec) {
    this.id = spec.id ?? randomUUID().slice(0, 8)
    this.name = spec.name
    this.captured = spec.captured
    this.options = spec.options
    this.extraArgs = spec.extraArgs
    this.#host = spec.host
    this.#cache = spec.cache
    this.inputs = new InputQueue(spec.inputs, {
      more: () => {
        this.#addInputs()
        this.#wake()
      },
      broke: (error) => this.#inputsBroke(error),
    })
    this.#queue = new TaskQueue(this.table, this.inputs, {
      ready: () => this.#wake(),
      inputFailed: (index, reason) => this.#inputFailed(index, reason),
      recall: this.#cache === undefined ? undefined : (index, input) => this.#recall(index, input),
    })
    this.table.reserve(this.inputs.size)
    this.#addInputs()
  }

  /** What its workers are to know of storage: asked for when tasks leave, so that what their inputs refer to is among it. */
  get storage(): JobStorage {
    this.#storage ??= jobStorage()
    return this.#storage
  }

  get isSettled(): boolean {
    return this.endedAtMs !== undefined
  }

  get counts(): Readonly<Record<TaskState, number>> {
    return this.table.counts
  }

  /** Tasks that wait to be handed out, as far as is known. */
  get ready(): number {
    return this.#queue.ready
  }

  get failedIndices(): number[] {
    return this.#failures.indices
  }

  observe(listener: (indices: ArrayLike<number>) => void): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener)
    }
  }

  /** The error of a task that failed or was cancelled. */
  errorOf(index: number): Error | undefined {
    return this.#failures.errorOf(index, this.table.stateOf(index), () => ({
      captured: this.captured,
      timeoutMs: this.options.timeoutMs,
      logs: this.logs.of(index),
    }))
  }

  // What the scheduler does.

  /** Up to `max` tasks to send; fewer where their inputs are not there yet, none where nothing waits. */
  take(max: number): Taken {
    const taken = this.#queue.take(max, () => this.#addInputs())
    this.checkSettled()
    return taken
  }

  sent(indices: ArrayLike<number>, bytes: number): void {
    this.bytesIn += bytes
    const share = bytes / indices.length
    for (let k = 0; k < indices.length; k++) this.table.bytesIn[indices[k] ?? noTask] = share
  }

  started(index: number, worker: string, atMs: number): void {
    const { table } = this
    if (table.states[index] !== StateCode.queued || !table.move(index, "start")) return
    table.startedAtMs[index] = atMs
    table.setWorker(index, worker)
    this.#notify([index])
  }

  done(tasks: DoneTasks, values: readonly unknown[], bytes: number): void {
    this.#settleDone(tasks, values, bytes)
    this.#notify(tasks.indices)
    this.checkSettled()
  }

  /**
   * The hot path: everything here happens once for each task of a job. It calls no listeners: V8 would compile them in, and throw all of
   * it away with the listeners of a job that is gone.
   */
  #settleDone(tasks: DoneTasks, values: readonly unknown[], bytes: number): void {
    const { table } = this
    const { indices, startedAtMs, endedAtMs, measured, peakMemoryBytes = 0 } = tasks
    const worker = table.numberOf(tasks.worker)
    const share = bytes / indices.length
    this.bytesOut += bytes
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k] ?? noTask
      // An answer that comes after a cancel, or twice: nobody waits for it.
      if (!table.move(index, "succeed")) continue
      this.results[index] = values[k]
      table.startedAtMs[index] = startedAtMs[k] ?? 0
      table.endedAtMs[index] = endedAtMs[k] ?? 0
      table.bytesOut[index] = share
      table.workers[index] = worker
      table.peakMemoryBytes[index] = peakMemoryBytes
      this.#cache?.remember(index, this.inputs.get(index), values[k])
      this.inputs.release(index)
      this.settling.taskSettled(index)
      if (this.copies.size > 0 && this.copies.delete(index)) this.#host.endRunning(this, [index])
    }
    for (let i = 0; i < measured.length; i += 3)
      table.measure(indices[measured[i] ?? -1] ?? noTask, measured[i + 1] ?? 0, measured[i + 2] ?? 0)
  }

  /** A task ended without a result: it runs again as often as the options say, or it has failed. */
  ended(index: number, end: TaskEnd): void {
    const { table } = this
    if (index === noTask || table.isSettled(index)) return
    // The other copy of it goes on.
    if (this.copies.delete(index)) return
    const attempt = table.attempts[index] ?? 1
    table.setWorker(index, end.worker)
    if (end.kind === "lost") table.losses[index] = (table.losses[index] ?? 0) + (end.deaths ?? 1)
    else table.startedAtMs[index] = end.startedAtMs
    if (end.kind === "threw") table.measure(index, end.cpuMs ?? 0, end.peakMemoryBytes ?? 0)
    // A suspect that kills its worker alone, too, is taken to have killed the first one.
    const suspicion = end.kind === "lost" && this.#suspects.delete(index) ? 1 : 0
    const verdict = verdictOn(end.kind, attempt, (table.losses[index] ?? 0) + suspicion, this.options)
    if (verdict.next === "fail") {
      const endedAtMs = end.kind === "threw" ? end.endedAtMs : Date.now()
      this.#fail(index, { from: "worker", end, attempt }, endedAtMs)
      return
    }
    this.#again(index, true)
    if (verdict.next === "apart") this.#queue.apart(index)
    else this.#queue.againAfter(index, verdict.delayMs)
  }

  /** A task failed before any worker saw it. */
  failedHere(index: number, error: Error): void {
    if (!this.table.isSettled(index)) this.#fail(index, { from: "here", error }, Date.now())
  }

  /** Tasks that come back unrun, or (`suspect`) from a worker that died of one of them. */
  returned(indices: readonly number[], suspect: boolean): void {
    for (const index of indices) {
      const state = this.table.states[index]
      if (state === undefined || state >= StateCode.done) continue
      if (state === StateCode.running && this.table.move(index, "retry")) this.#notify([index])
      if (!suspect) {
        this.#queue.again(index)
        continue
      }
      this.repeated++
      this.#suspects.add(index)
      this.#queue.apart(index)
    }
  }

  reported(index: number, progress: Progress): void {
    this.progress.set(index, progress)
    this.#notify([index])
  }

  logged(index: number, stream: "stdout" | "stderr", text: string): void {
    this.logs.add(index, stream, text)
    this.#notify([index])
  }

  // What users and views do.

  cancel(indices?: readonly number[]): void {
    if (this.isSettled) return
    if (indices === undefined) {
      this.inputsCut ||= !this.inputs.complete
      this.inputs.close()
      this.#queue.close()
    }
    const nowMs = Date.now()
    const cancelled: number[] = []
    const consider = (index: number) => {
      const wasRunning = this.table.states[index] === StateCode.running
      if (!this.table.move(index, "cancel")) return
      if (wasRunning) this.table.endedAtMs[index] = nowMs
      cancelled.push(index)
      this.settling.taskSettled(index)
    }
    if (indices !== undefined) indices.forEach(consider)
    else for (let index = 0; index < this.table.size; index++) consider(index)
    if (cancelled.length > 0) {
      this.#notify(cancelled)
      this.#host.endRunning(this, indices === undefined ? undefined : cancelled)
    }
    this.checkSettled()
  }

  retry(indices?: readonly number[]): void {
    if (this.#host.noRetry !== undefined) throw new TypeError(this.#host.noRetry)
    const chosen = indices ?? Array.from({ length: this.table.size }, (_, index) => index)
    let count = 0
    for (const index of chosen) {
      const state = this.table.states[index]
      if (index >= this.table.size || (state !== StateCode.failed && state !== StateCode.cancelled)) continue
      this.#failures.forget(index)
      this.table.losses[index] = 0
      this.table.endedAtMs[index] = 0
      // A cancelled task that never began is at its first attempt still.
      this.#again(index, (this.table.workers[index] ?? 0) > 0)
      this.#queue.again(index)
      count++
    }
    if (count === 0) return
    this.endedAtMs = undefined
    this.#notify([])
    this.#host.wake(this)
  }

  /** There are so many tasks by now, whose inputs are elsewhere, and no more where that `isWhole`. */
  know(total: number, isWhole: boolean): void {
    this.inputs.know(total, isWhole)
    this.#addInputs()
    this.checkSettled()
  }

  async whenSettled(): Promise<void> {
    if (!this.isSettled) await this.settling.untilJob()
  }

  async whenTaskSettled(index: number): Promise<void> {
    if (!this.table.isSettled(index)) await this.settling.untilTask(index)
  }

  // What happens inside.

  #wake(): void {
    this.#host.wake(this)
    this.checkSettled()
  }

  #addInputs(): void {
    if (this.inputs.size <= this.table.size) return
    this.table.grow(this.inputs.size)
    this.#notify([])
  }

  #inputFailed(index: number, reason: unknown): void {
    const message = reason instanceof Error ? reason.message : String(reason)
    this.failedHere(index, new Error(`The input of task ${index} failed: ${message}`, { cause: reason }))
  }

  #inputsBroke(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const text = `The inputs of \`${this.name}\` could not be read to their end: ${message}`
    this.inputError = new Error(text, { cause: error })
    this.cancel()
    this.checkSettled()
  }

  async #recall(index: number, input: unknown): Promise<boolean> {
    const found = await this.#cache?.recall(index, input)
    if (found === undefined || !this.table.move(index, "succeed")) return false
    this.recalled++
    this.results[index] = found.value
    this.inputs.release(index)
    this.#taskSettled(index)
    return true
  }

  /** The task is queued once more; whoever calls puts it into the queue. */
  #again(index: number, countsAttempt: boolean): void {
    if (countsAttempt) this.table.attempts[index] = (this.table.attempts[index] ?? 1) + 1
    this.table.queuedAtMs[index] = Date.now()
    this.progress.delete(index)
    this.table.move(index, "retry")
    this.#notify([index])
  }

  #fail(index: number, failure: Failure, atMs: number): void {
    if (!this.table.move(index, "fail")) return
    this.#failures.add(index, failure)
    this.table.endedAtMs[index] = atMs
    this.#taskSettled(index)
    if (this.options.failFast) this.cancel()
    this.checkSettled()
  }

  #taskSettled(index: number): void {
    this.settling.taskSettled(index)
    this.#notify([index])
  }

  /** Settles the job where no task of it is left to wait for. */
  checkSettled(): void {
    const { queued, running } = this.table.counts
    if (this.isSettled || queued + running > 0 || !this.inputs.complete || this.inputs.size > this.table.size)
      return
    this.endedAtMs = Date.now()
    this.#notify([])
    this.#host.settled(this)
    this.settling.jobSettled()
  }

  /** For those who began to observe the job when it had settled: they hear of its end, too. */
  tellAgain(): void {
    this.#notify([])
  }

  /** No indices: of the job itself. */
  #notify(indices: ArrayLike<number>): void {
    for (const listener of this.#listeners) listener(indices)
  }
}
