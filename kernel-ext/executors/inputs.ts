import { show } from "../config/validate.ts"
import { copied, copyableBytes, maxCopiedBytes, withCopies } from "./input-copies.ts"

/** Anything that gives inputs. An input may be a promise, for example a TaskFuture of an earlier job. */
export type Inputs<I> = Iterable<I | PromiseLike<I>> | AsyncIterable<I | PromiseLike<I>>

/** Inputs of an iterable that are read ahead of the workers. */
const windowSize = 4096

/** What inputs have to say to the job. */
export interface InputsListener {
  /** There are more. */
  more(): void
  /** The iterable threw: there will be no more. */
  broke(error: unknown): void
}

/**
 * The inputs of a job, by index. An array is there at once. Any other iterable is read as the workers need it, so that
 * neither an endless generator nor a million rows of a file stand in memory.
 */
export class InputQueue {
  /** Inputs known so far. */
  size = 0
  /** False while there may be more. */
  complete = false
  readonly #values: unknown[]
  readonly #keeps: boolean
  readonly #listener: InputsListener
  #iterator: Iterator<unknown> | undefined
  #asyncIterator: AsyncIterator<unknown> | undefined
  #reading = false
  #closed = false
  /** Of binary inputs that were read and whose tasks are not done. */
  #heldBytes = 0

  constructor(inputs: Inputs<unknown>, listener: InputsListener) {
    this.#listener = listener
    this.#keeps = Array.isArray(inputs)
    if (this.#keeps) {
      // A copy of the list: what the user does to it later concerns no task.
      this.#values = withCopies(inputs as unknown[])
      this.size = this.#values.length
      this.complete = true
      return
    }
    this.#values = []
    const source = inputs as Partial<AsyncIterable<unknown> & Iterable<unknown>>
    if (typeof source?.[Symbol.asyncIterator] === "function")
      this.#asyncIterator = source[Symbol.asyncIterator]?.()
    else if (typeof source?.[Symbol.iterator] === "function") this.#iterator = source[Symbol.iterator]?.()
    else
      throw new TypeError(
        `map takes an array, an iterable or an async iterable of inputs, but got ${show(inputs)}.`,
      )
  }

  /** All of them, where they are kept: those of an array, which the user holds anyway. */
  get kept(): readonly unknown[] | undefined {
    return this.#keeps ? this.#values : undefined
  }

  get(index: number): unknown {
    return this.#values[index]
  }

  set(index: number, value: unknown): void {
    this.#values[index] = value
  }

  /** The task has its result; its input is not needed again. The user's own array holds its inputs anyway. */
  release(index: number): void {
    if (this.#keeps) return
    this.#heldBytes -= copyableBytes(this.#values[index])
    this.#values[index] = undefined
  }

  /** Reads on until `index` plus a window is there, or as far as it goes now. */
  want(index: number): void {
    if (this.complete || this.#reading || !this.#wantsMore(index)) return
    if (this.#iterator !== undefined) this.#readSync(this.#iterator, index)
    else if (this.#asyncIterator !== undefined) void this.#readAsync(this.#asyncIterator, index)
  }

  /** Whether to read on, where `index` is what is needed now. */
  #wantsMore(index: number): boolean {
    return this.size < index || (this.size < index + windowSize && this.#heldBytes < maxCopiedBytes)
  }

  #add(value: unknown): void {
    this.#heldBytes += copyableBytes(value)
    this.#values.push(copied(value))
    this.size++
  }

  /** There are so many by now, which stay elsewhere, and no more where that `isWhole`. */
  know(size: number, isWhole: boolean): void {
    while (this.size < size) this.#add(undefined)
    if (isWhole) this.complete = true
  }

  /** Reads no further, and lets a generator run its `finally`. */
  close(): void {
    if (this.complete || this.#closed) return
    this.#closed = true
    this.complete = true
    try {
      this.#iterator?.return?.()
      this.#asyncIterator?.return?.()?.then(undefined, () => {})
    } catch {
      // The user's own clean-up threw after nobody was left to tell.
    }
  }

  #readSync(iterator: Iterator<unknown>, index: number): void {
    this.#reading = true
    try {
      while (this.#wantsMore(index)) {
        const step = iterator.next()
        if (step.done === true) {
          this.complete = true
          break
        }
        this.#add(step.value)
      }
    } catch (error) {
      this.complete = true
      this.#listener.broke(error)
    } finally {
      this.#reading = false
    }
  }

  async #readAsync(iterator: AsyncIterator<unknown>, index: number): Promise<void> {
    this.#reading = true
    try {
      while (this.#wantsMore(index) && !this.#closed) {
        const step = await iterator.next()
        if (this.#closed) break
        if (step.done === true) {
          this.complete = true
          break
        }
        this.#add(step.value)
        this.#listener.more()
      }
    } catch (error) {
      if (!this.#closed) {
        this.complete = true
        this.#listener.broke(error)
      }
    } finally {
      this.#reading = false
    }
    this.#listener.more()
  }
}
