import { setImmediate as turn } from "node:timers/promises"
import {
  type Backend,
  type BatchEvents,
  noTask,
  type RunningBatch,
  type TaskBatch,
} from "../../kernel-ext/backends/backend.ts"
import { load } from "../../kernel-ext/capture/load.ts"
import { storage } from "../../kernel-ext/config/storage.ts"
import type { TaskContext } from "../../kernel-ext/protocol/context.ts"
import { randomFor } from "../../kernel-ext/worker/random.ts"

/**
 * The contract of a backend, written down as plainly as it goes: tasks run in this process, one batch at a time for each
 * worker that it pretends to have. What holds for it and for a real one is the contract and not an accident of either.
 */
export class MemoryBackend implements Backend {
  readonly name = "memory"
  readonly remote = false
  readonly supports = { cancel: false, logs: true, progress: true, reattach: false, takeBack: true }
  readonly workers: number
  readonly #waiting: MemoryBatch[] = []
  #running = 0
  #closed = false

  constructor(options: { workers: number }) {
    this.workers = options.workers
  }

  get idle(): number {
    return this.workers - this.#running
  }

  async open(): Promise<void> {}

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    const running = new MemoryBatch(batch, events)
    this.#waiting.push(running)
    void this.#work()
    return running
  }

  forget(): void {}

  async clean(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true
    for (const batch of this.#waiting.splice(0)) batch.giveBack()
  }

  async #work(): Promise<void> {
    if (this.#running >= this.workers) return
    this.#running++
    await turn()
    for (
      let batch = this.#waiting.shift();
      batch !== undefined && !this.#closed;
      batch = this.#waiting.shift()
    )
      await batch.work(`memory:${this.#running}`)
    this.#running--
  }
}

class MemoryBatch implements RunningBatch {
  readonly #batch: TaskBatch
  readonly #events: BatchEvents
  readonly #unwanted = new Set<number>()
  #begun = 0
  #limit: number
  #isClosed = false
  #abort = new AbortController()

  constructor(batch: TaskBatch, events: BatchEvents) {
    this.#batch = batch
    this.#events = events
    this.#limit = batch.indices.length
  }

  get waiting(): number {
    return this.#limit - this.#begun
  }

  takeBack(): void {
    queueMicrotask(() => this.giveBack())
  }

  cancel(indices: readonly number[]): void {
    for (const index of indices) this.#unwanted.add(index)
    this.giveBack()
    this.#abort.abort()
  }

  giveBack(): void {
    const back = [...this.#batch.indices.slice(this.#begun, this.#limit)].filter(
      (i) => !this.#unwanted.has(i),
    )
    this.#limit = this.#begun
    if (back.length > 0) this.#events.returned(back, false)
    if (this.#begun === 0) this.#close()
  }

  async work(worker: string): Promise<void> {
    const { shipment, inputs, extraArgs, jobId, seed, attempts, indices } = this.#batch
    const { fn, codec } = load(shipment)
    const values = codec.decodeEach(inputs)
    const extra = extraArgs === undefined ? [] : (codec.decode(extraArgs) as unknown[])
    while (this.#begun < this.#limit) {
      const offset = this.#begun++
      const index = indices[offset] ?? noTask
      const startedAtMs = Date.now()
      this.#events.started(index, worker, startedAtMs)
      const ctx: TaskContext = {
        index,
        attempt: attempts?.[offset] ?? 1,
        jobId,
        signal: this.#abort.signal,
        progress: (fraction, note) => this.#events.progress(index, fraction, note),
        random: randomFor(seed, index),
        storage,
        log: (...words) => this.#events.log(index, "stdout", `${words.join(" ")}\n`),
      }
      try {
        const result = await fn(values[offset], ctx, ...extra)
        if (this.#unwanted.has(index)) continue
        this.#events.done({
          worker,
          indices: Uint32Array.of(index),
          results: [codec.encodeEach([result], () => "result")],
          startedAtMs: Float64Array.of(startedAtMs),
          endedAtMs: Float64Array.of(Date.now()),
          measured: [],
        })
      } catch (thrown) {
        if (this.#unwanted.has(index)) continue
        const { name, message, stack = "" } = thrown as Error
        const endedAtMs = Date.now()
        this.#events.ended(index, {
          kind: "threw",
          worker,
          name,
          message,
          stack,
          error: undefined,
          startedAtMs,
          endedAtMs,
        })
      }
    }
    this.#close()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.closed()
  }
}
