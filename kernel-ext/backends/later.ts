import { type Cleaned, nothingCleaned } from "../storage/temporary.ts"
import type { Backend, BackendSupport, BatchEvents, CleanScope, RunningBatch, TaskBatch } from "./backend.ts"

/** What is known of a backend before its code is loaded. */
export interface BackendFacts {
  readonly name: string
  readonly supports: BackendSupport
  readonly remote: boolean
  readonly batchMs: number
  readonly ahead: number
  /** Workers to count on until it can count them. */
  readonly workers: number
}

/** A backend whose code is loaded when it is opened: `import "cellfan"` reads none of it. */
export class BackendLater implements Backend {
  readonly name: string
  readonly supports: BackendSupport
  readonly remote: boolean
  readonly batchMs: number
  readonly ahead: number
  readonly #expectedWorkers: number
  readonly #load: () => Promise<Backend>
  #loading: Promise<Backend> | undefined
  #loaded: Backend | undefined

  constructor(facts: BackendFacts, load: () => Promise<Backend>) {
    this.name = facts.name
    this.supports = facts.supports
    this.remote = facts.remote
    this.batchMs = facts.batchMs
    this.ahead = facts.ahead
    this.#expectedWorkers = facts.workers
    this.#load = load
  }

  get workers(): number {
    return this.#loaded?.workers ?? this.#expectedWorkers
  }

  get idle(): number {
    return this.#loaded?.idle ?? this.#expectedWorkers
  }

  async open(signal: AbortSignal): Promise<void> {
    await (await this.#backend()).open(signal)
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    if (this.#loaded === undefined) throw new TypeError(`The backend ${this.name} is not open.`)
    return this.#loaded.run(batch, events)
  }

  forget(jobId: string): void {
    this.#loaded?.forget(jobId)
  }

  async clean(scope: CleanScope): Promise<void> {
    await (await this.#backend()).clean(scope)
  }

  async cleanStorage(scope: CleanScope): Promise<Cleaned> {
    return (await (await this.#backend()).cleanStorage?.(scope)) ?? nothingCleaned
  }

  workerStates() {
    return this.#loaded === undefined ? [] : this.#loaded.workerStates?.()
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close()
  }

  async #backend(): Promise<Backend> {
    this.#loading ??= this.#load()
    this.#loaded = await this.#loading
    return this.#loaded
  }
}
