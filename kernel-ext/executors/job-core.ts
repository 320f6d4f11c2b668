import { randomUUID } from "node:crypto"
import { type DoneTasks, noTask, type TaskEnd } from "../backends/backend.ts"
import type { Captured, Encoded } from "../capture/types.ts"
import type { ResolvedJobOptions } from "../config/schema.ts"
import {
  isSettled,
  nextState,
  StateCode,
  type TaskEvent,
  type TaskState,
  taskStates,
} from "../protocol/task.ts"
import { cancelledError, errorOf, type Failure } from "./failures.ts"
import { InputQueue, type Inputs } from "./inputs.ts"
import { LogStore } from "./logs.ts"
import { TaskTable } from "./table.ts"

/** How long a cancelled task may take to notice its signal before its worker is replaced. */
export const cancelGraceMs = 500

/** What a job asks of whoever schedules it. */
export interface JobHost {
  /** The job may have tasks to send. */
  wake(job: JobCore): void
  /** These tasks of the job are cancelled; where they run, end them. */
  endRunning(job: JobCore, indices: readonly number[] | undefined): void
  /** The job has settled. */
  settled(job: JobCore): void
}

export interface JobSpec {
  readonly name: string
  readonly captured: Captured
  readonly inputs: Inputs<unknown>
  readonly options: ResolvedJobOptions
  readonly extraArgs: Encoded | undefined
  readonly host: JobHost
}

/** Tasks to send, with their inputs. */
export interface Taken {
  readonly indices: number[]
  readonly values: unknown[]
}

export interface Progress {
  readonly fraction: number
  readonly note: string | undefined
}

/**
 * The state of a job: its tasks, which of them wait, what became of the others. `Job` shows it to users and views,
 * the scheduler moves it on.
 */
export class JobCore {
  readonly id = randomUUID().slice(0, 8)
  readonly name: string
  readonly captured: Captured
  readonly options: ResolvedJobOptions
  readonly extraArgs: Encoded | undefined
  readonly table = new TaskTable()
  readonly results: unknown[] = []
  readonly logs = new LogStore()
  readonly progress = new Map<number, Progress>()
  readonly counts: Record<TaskState, number> = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }
  readonly startedAtMs = Date.now()
  endedAtMs: number | undefined
  bytesIn = 0
  bytesOut = 0
  /** Tasks of which a second copy runs. */
  readonly copies = new Set<number>()
  /** Tasks that ran again because a worker died, although they may have been done. */
  repeated = 0
  /** Whether the job was cancelled before all inputs were read. */
  inputsCut = false
  /** Indices in the order they settled. */
  order = new Uint32Array(16)
  orderLength = 0
  readonly inputs: InputQueue
  readonly #host: JobHost
  readonly #failures = new Map<number, Failure>()
  readonly #errors = new Map<number, Error>()
  #inputError: Error | undefined
  /** Next index that was never handed out. */
  #cursor = 0
  /** Tasks to hand out again. */
  #again: number[] = []
  /** Tasks that are to run apart from others: one of them may kill its worker. */
  #apart: number[] = []
  readonly #delays = new Set<NodeJS.Timeout>()
  readonly #listeners = new Set<(index: number) => void>()
  readonly #taskWaiters = new Map<number, (() => void)[]>()
  #jobWaiters: (() => void)[] = []
  #orderWaiters: (() => void)[] = []

  constructor(spec: JobSpec) {
    this.name = spec.name
    this.captured = spec.captured
    this.options = spec.options
    this.extraArgs = spec.extraArgs
    this.#host = spec.host
    this.inputs = new InputQueue(spec.inputs, {
      more: () => {
        this.#addInputs()
        this.#host.wake(this)
        this.#checkSettled()
      },
      broke: (error) => this.#inputsBroke(error),
    })
    this.table.reserve(this.inputs.size)
    this.#addInputs()
  }

  get isSettled(): boolean {
    return this.endedAtMs !== undefined
  }

  /** Tasks that wait to be handed out, as far as is known. */
  get ready(): number {
    return this.#again.length + this.#apart.length + this.table.size - this.#cursor
  }

  observe(listener: (index: number) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  stateOf(index: number): TaskState {
    return taskStates[this.table.states[index] ?? 0] ?? "queued"
  }

  /** The error of a task that failed or was cancelled. */
  errorOf(index: number): Error | undefined {
    const known = this.#errors.get(index)
    if (known !== undefined) return known
    const error = this.#makeError(index)
    if (error !== undefined) this.#errors.set(index, error)
    return error
  }

  failedIndices(): number[] {
    return [...this.#failures.keys()].sort((a, b) => a - b)
  }

  /** What kept the inputs from being read to their end. */
  get inputError(): Error | undefined {
    return this.#inputError
  }

  // What the scheduler does.

  /** Up to `max` tasks to send; fewer where their inputs are not there yet, none where nothing waits. */
  take(max: number): Taken {
    const taken: Taken = { indices: [], values: [] }
    while (this.#apart.length > 0) {
      this.#takeOne(taken, this.#apart.shift() ?? 0)
      if (taken.indices.length > 0) return taken
    }
    if (this.#again.length > 0) this.#takeAgain(taken, max)
    if (taken.indices.length > 0) return taken
    this.inputs.want(this.#cursor + max)
    this.#addInputs()
    while (taken.indices.length < max && this.#cursor < this.table.size) this.#takeOne(taken, this.#cursor++)
    this.#checkSettled()
    return taken
  }

  started(index: number, worker: string, atMs: number): void {
    if (this.table.states[index] !== StateCode.queued) return
    this.table.startedAtMs[index] = atMs
    this.table.setWorker(index, worker)
    this.#move(index, "start")
    this.#notify(index)
  }

  /** The hot path: everything here happens once for each task of a job. */
  done(tasks: DoneTasks, values: readonly unknown[]): void {
    const { table, counts } = this
    const { states } = table
    const { indices, startedAtMs, endedAtMs } = tasks
    const worker = table.numberOf(tasks.worker)
    for (let k = 0; k < indices.length; k++) {
      const index = indices[k] ?? noTask
      const state = states[index]
      // An answer that comes after a cancel, or twice: nobody waits for it.
      if (state === undefined || state >= StateCode.done) continue
      if (state === StateCode.running) counts.running--
      else counts.queued--
      counts.done++
      states[index] = StateCode.done
      this.results[index] = values[k]
      table.startedAtMs[index] = startedAtMs[k] ?? 0
      table.endedAtMs[index] = endedAtMs[k] ?? 0
      table.workers[index] = worker
      this.inputs.release(index)
      this.#settledOne(index)
      if (this.copies.size > 0 && this.copies.delete(index)) this.#host.endRunning(this, [index])
    }
    this.#measured(tasks)
    this.#checkSettled()
  }

  /** A task ended without a result: it runs again as often as the options say, or it has failed. */
  ended(index: number, end: TaskEnd): void {
    if (index === noTask || this.table.isSettled(index)) return
    // The other copy of it goes on.
    if (this.copies.delete(index)) return
    const { options, table } = this
    const attempt = table.attempts[index] ?? 1
    table.setWorker(index, end.worker)
    if (end.kind !== "lost") table.startedAtMs[index] = end.startedAtMs
    if (table.states[index] === StateCode.queued) this.#move(index, "start")
    if (end.kind === "lost") {
      const losses = (table.losses[index] ?? 0) + 1
      table.losses[index] = losses
      if (losses <= Math.max(options.lostRetries, options.retries)) {
        this.#requeue(index, this.#apart)
        return
      }
    } else if (attempt - (table.losses[index] ?? 0) <= options.retries) {
      this.#retryLater(index, attempt)
      return
    }
    this.#fail(index, { from: "worker", end, attempt }, end.kind === "threw" ? end.endedAtMs : Date.now())
  }

  /** A task failed before any worker saw it. */
  failedHere(index: number, error: Error): void {
    if (this.table.isSettled(index)) return
    this.#fail(index, { from: "here", error }, Date.now())
  }

  /** Tasks that come back unrun, or (`suspect`) from a worker that died of one of them. */
  returned(indices: readonly number[], suspect: boolean): void {
    for (const index of indices) {
      const state = this.table.states[index]
      if (state === undefined || state >= StateCode.done) continue
      if (state === StateCode.running) {
        this.#move(index, "retry")
        this.#notify(index)
      }
      if (suspect) this.repeated++
      ;(suspect ? this.#apart : this.#again).push(index)
    }
  }

  reported(index: number, progress: Progress): void {
    this.progress.set(index, progress)
    this.#notify(index)
  }

  logged(index: number, stream: "stdout" | "stderr", text: string): void {
    this.logs.add(index, stream, text)
    this.#notify(index)
  }

  // What users and views do.

  cancel(indices?: readonly number[]): void {
    if (this.isSettled) return
    if (indices === undefined) {
      this.inputsCut ||= !this.inputs.complete
      this.inputs.close()
      for (const timer of this.#delays) clearTimeout(timer)
      this.#delays.clear()
    }
    const cancelled: number[] = []
    const consider = (index: number) => {
      const state = this.table.states[index]
      if (state === undefined || index >= this.table.size || state >= StateCode.done) return
      if (state === StateCode.running) this.table.endedAtMs[index] = Date.now()
      cancelled.push(index)
      this.#move(index, "cancel")
      this.#settledOne(index)
    }
    if (indices !== undefined) indices.forEach(consider)
    else for (let index = 0; index < this.table.size; index++) consider(index)
    if (cancelled.length > 0) this.#host.endRunning(this, indices === undefined ? undefined : cancelled)
    this.#checkSettled()
  }

  retry(indices?: readonly number[]): void {
    const chosen = indices ?? Array.from({ length: this.table.size }, (_, index) => index)
    let count = 0
    for (const index of chosen) {
      const state = this.table.states[index]
      if (index >= this.table.size || (state !== StateCode.failed && state !== StateCode.cancelled)) continue
      this.#failures.delete(index)
      this.#errors.delete(index)
      this.table.losses[index] = 0
      // A cancelled task that never began is at its first attempt still.
      const ran = (this.table.workers[index] ?? 0) > 0
      this.table.endedAtMs[index] = 0
      this.#requeue(index, this.#again, ran)
      count++
    }
    if (count === 0) return
    this.endedAtMs = undefined
    this.#notify(-1)
    this.#host.wake(this)
  }

  whenSettled(): Promise<void> {
    return this.isSettled ? Promise.resolve() : new Promise((resolve) => this.#jobWaiters.push(resolve))
  }

  whenTaskSettled(index: number): Promise<void> {
    if (this.table.isSettled(index)) return Promise.resolve()
    return new Promise((resolve) => {
      const waiters = this.#taskWaiters.get(index)
      if (waiters === undefined) this.#taskWaiters.set(index, [resolve])
      else waiters.push(resolve)
    })
  }

  /** Resolves when one more task than `seen` has settled, or the job has. */
  whenMoreSettled(seen: number): Promise<void> {
    if (this.orderLength > seen || this.isSettled) return Promise.resolve()
    return new Promise((resolve) => this.#orderWaiters.push(resolve))
  }

  // What happens inside.

  #addInputs(): void {
    const added = this.inputs.size - this.table.size
    if (added <= 0) return
    this.table.grow(this.inputs.size)
    this.counts.queued += added
    this.#notify(-1)
  }

  #takeAgain(taken: Taken, max: number): void {
    // Batches are in ascending order; what came back is nearly so.
    this.#again.sort((a, b) => a - b)
    let used = 0
    while (taken.indices.length < max && used < this.#again.length)
      this.#takeOne(taken, this.#again[used++] ?? 0)
    this.#again = this.#again.slice(used)
  }

  #takeOne(taken: Taken, index: number): void {
    if (this.table.states[index] !== StateCode.queued) return
    const value = this.inputs.get(index)
    if (isThenable(value)) {
      this.#await(index, value)
      return
    }
    taken.indices.push(index)
    taken.values.push(value)
  }

  /** An input that is a promise: its task can be sent when the promise has settled. */
  #await(index: number, value: PromiseLike<unknown>): void {
    value.then(
      (resolved) => {
        this.inputs.set(index, resolved)
        this.#again.push(index)
        this.#host.wake(this)
      },
      (reason: unknown) => {
        const message = reason instanceof Error ? reason.message : String(reason)
        this.failedHere(index, new Error(`The input of task ${index} failed: ${message}`, { cause: reason }))
      },
    )
  }

  #inputsBroke(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    this.#inputError = new Error(
      `The inputs of \`${this.name}\` could not be read to their end: ${message}`,
      {
        cause: error,
      },
    )
    this.cancel()
    this.#checkSettled()
  }

  /** Queues the task again for a further attempt. */
  #requeue(index: number, queue: number[], countsAttempt = true): void {
    if (countsAttempt) this.table.attempts[index] = (this.table.attempts[index] ?? 1) + 1
    this.progress.delete(index)
    this.#move(index, "retry")
    queue.push(index)
    this.#notify(index)
  }

  #retryLater(index: number, attempt: number): void {
    const waiting: number[] = []
    this.#requeue(index, waiting)
    const { backoffMs } = this.options
    if (backoffMs === 0) {
      this.#again.push(index)
      return
    }
    const timer = setTimeout(
      () => {
        this.#delays.delete(timer)
        if (this.table.states[index] !== StateCode.queued) return
        this.#again.push(index)
        this.#host.wake(this)
      },
      Math.min(backoffMs * 2 ** (attempt - 1), 60_000),
    )
    this.#delays.add(timer)
  }

  #fail(index: number, failure: Failure, atMs: number): void {
    this.#failures.set(index, failure)
    this.table.endedAtMs[index] = atMs
    this.#move(index, "fail")
    this.#settledOne(index)
    if (this.options.failFast) this.cancel()
    this.#checkSettled()
  }

  #makeError(index: number): Error | undefined {
    if (this.table.states[index] === StateCode.cancelled) return cancelledError(index)
    const failure = this.#failures.get(index)
    if (failure === undefined) return undefined
    const { captured, options, logs } = this
    return errorOf(failure, { captured, index, timeoutMs: options.timeoutMs, logs: logs.of(index) })
  }

  #move(index: number, event: TaskEvent): void {
    const from = this.stateOf(index)
    const to = nextState(from, event)
    if (to === undefined) return
    this.counts[from]--
    this.counts[to]++
    this.table.states[index] = StateCode[to]
    if (isSettled(from)) this.#errors.delete(index)
  }

  #settledOne(index: number): void {
    if (this.orderLength === this.order.length) {
      const larger = new Uint32Array(2 * this.order.length)
      larger.set(this.order)
      this.order = larger
    }
    this.order[this.orderLength++] = index
    this.#notify(index)
    if (this.#taskWaiters.size > 0) {
      const waiters = this.#taskWaiters.get(index)
      this.#taskWaiters.delete(index)
      if (waiters !== undefined) for (const resolve of waiters) resolve()
    }
    if (this.#orderWaiters.length > 0) release(this.#orderWaiters)
  }

  #measured({ indices, measured }: DoneTasks): void {
    for (let i = 0; i < measured.length; i += 3) {
      const index = indices[measured[i] ?? -1] ?? noTask
      if (index >= this.table.size) continue
      this.table.cpuMs[index] = measured[i + 1] ?? 0
      this.table.peakMemoryBytes[index] = measured[i + 2] ?? 0
    }
  }

  #checkSettled(): void {
    const { queued, running } = this.counts
    if (this.isSettled || queued + running > 0 || !this.inputs.complete || this.inputs.size > this.table.size)
      return
    this.endedAtMs = Date.now()
    this.#notify(-1)
    this.#host.settled(this)
    release(this.#jobWaiters)
    release(this.#orderWaiters)
  }

  /** Settles a job that has no tasks to wait for. */
  checkSettled(): void {
    this.#checkSettled()
  }

  #notify(index: number): void {
    for (const listener of this.#listeners) listener(index)
  }
}

function release(waiters: (() => void)[]): void {
  for (const resolve of waiters.splice(0)) resolve()
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  )
}
