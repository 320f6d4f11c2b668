import { StateCode } from "../protocol/task.ts"
import type { InputQueue } from "./inputs.ts"
import type { TaskTable } from "./table.ts"

/** Tasks to send, with their inputs, in ascending order. */
export interface Taken {
  readonly indices: number[]
  readonly values: unknown[]
}

/** What the queue has to say to its job. */
export interface QueueListener {
  /** A task that had to wait for something can be taken. */
  ready(): void
  /** The promise that stood in place of an input was rejected. */
  inputFailed(index: number, reason: unknown): void
  /**
   * Looks whether the task's result is known already, where the job keeps results. Resolves with true where it was, and the
   * task has settled.
   */
  readonly recall: ((index: number, value: unknown) => Promise<boolean>) | undefined
}

/** Results looked up ahead of the workers. */
const recallAhead = 256

/** Which tasks of a job wait to be sent: those never sent yet, in order; those to be sent again; those to be sent alone. */
export class TaskQueue {
  readonly #table: TaskTable
  readonly #inputs: InputQueue
  readonly #listener: QueueListener
  /** Next index that was never handed out. */
  #cursor = 0
  #again: number[] = []
  /** Tasks that are to run apart from others: one of them may kill its worker. */
  #apart: number[] = []
  #recalling = 0
  /** Of tasks that wait for their time. */
  readonly #delays = new Map<number, NodeJS.Timeout>()

  constructor(table: TaskTable, inputs: InputQueue, listener: QueueListener) {
    this.#table = table
    this.#inputs = inputs
    this.#listener = listener
  }

  /** Tasks that wait, as far as is known. */
  get ready(): number {
    return this.#again.length + this.#apart.length + this.#table.size - this.#cursor
  }

  /** Up to `max` tasks to send; fewer where their inputs are not there yet. Reads inputs no further than it must. */
  take(max: number, more: () => void): Taken {
    const taken: Taken = { indices: [], values: [] }
    while (this.#apart.length > 0) {
      this.#takeOne(taken, this.#apart.shift() ?? 0)
      if (taken.indices.length > 0) return taken
    }
    if (this.#again.length > 0) this.#takeAgain(taken, max)
    if (taken.indices.length > 0) return taken
    this.#inputs.want(this.#cursor + max)
    more()
    if (this.#listener.recall !== undefined) this.#recallMore(this.#listener.recall)
    else
      while (taken.indices.length < max && this.#cursor < this.#table.size)
        this.#takeOne(taken, this.#cursor++)
    return taken
  }

  again(index: number): void {
    clearTimeout(this.#delays.get(index))
    this.#delays.delete(index)
    this.#again.push(index)
  }

  apart(index: number): void {
    this.#apart.push(index)
  }

  againAfter(index: number, delayMs: number): void {
    if (delayMs === 0) {
      this.again(index)
      return
    }
    const due = () => {
      this.#delays.delete(index)
      this.#readyNow(index)
    }
    this.#delays.set(index, setTimeout(due, delayMs))
  }

  /** Nothing that waits for its time is waited for any more. */
  close(): void {
    for (const timer of this.#delays.values()) clearTimeout(timer)
    this.#delays.clear()
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
    if (this.#table.states[index] !== StateCode.queued) return
    const value = this.#inputs.get(index)
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
        this.#inputs.set(index, resolved)
        this.#readyNow(index)
      },
      (reason: unknown) => this.#listener.inputFailed(index, reason),
    )
  }

  /** Tasks whose results may be known go to the workers only once it is clear that they are not. */
  #recallMore(recall: NonNullable<QueueListener["recall"]>): void {
    while (this.#recalling < recallAhead && this.#cursor < this.#table.size) {
      const index = this.#cursor++
      this.#recalling++
      void Promise.resolve(this.#inputs.get(index))
        .then(
          (value) => {
            this.#inputs.set(index, value)
            return recall(index, value)
          },
          (reason: unknown) => {
            this.#listener.inputFailed(index, reason)
            return true
          },
        )
        .then((known) => {
          this.#recalling--
          if (known) this.#listener.ready()
          else this.#readyNow(index)
        })
    }
  }

  #readyNow(index: number): void {
    if (this.#table.states[index] === StateCode.queued) this.#again.push(index)
    this.#listener.ready()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  )
}
