import type { Job } from "./job.ts"
import type { TaskFuture } from "./task.ts"

/**
 * A map and the reduction of its results: a promise of what the reduction returns.
 *
 * @example
 * ```ts
 * const total = await fexec.mapReduce((n: number) => n ** 2, [1, 2, 3], (squares) => squares.reduce((a, b) => a + b))   // 14
 * ```
 */
export class MapReduce<M, R> implements PromiseLike<R> {
  readonly map: Job<M>
  readonly reduce: TaskFuture<R>

  constructor(map: Job<M>, reduce: TaskFuture<R>) {
    this.map = map
    this.reduce = reduce
  }

  /** Ends both. */
  cancel(): void {
    this.map.cancel()
    this.reduce.cancel()
  }

  // biome-ignore lint/suspicious/noThenProperty: it is awaited like a promise.
  then<A = R, B = never>(
    onDone?: ((value: R) => A | PromiseLike<A>) | null,
    onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    // What went wrong in the map says more than that the reduction had no input.
    return this.map.then(() => this.reduce).then(onDone, onFailed)
  }

  catch<B = never>(onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<R | B> {
    return this.then(undefined, onFailed)
  }

  finally(onSettled?: (() => void) | null): Promise<R> {
    return this.then().finally(onSettled)
  }

  get [Symbol.toStringTag](): string {
    return "MapReduce"
  }
}
