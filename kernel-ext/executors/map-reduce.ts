import type { Job } from "./job.ts"
import type { Sources } from "./sources.ts"
import type { TaskFuture } from "./task.ts"
import { waitFor } from "./wait.ts"

/**
 * A map and the reduction of its results: a promise of what the reduction returns.
 *
 * @example
 * ```ts
 * const total = await fexec.mapReduce((n: number) => n ** 2, [1, 2, 3], (squares) => squares.reduce((a, b) => a + b))   // 14
 * ```
 */
export class MapReduce<M, R, F extends PromiseLike<R> & { cancel(): void } = TaskFuture<R>>
  implements PromiseLike<R>
{
  readonly map: Job<M>
  /** One task; with `reducePerObject` a job with a task for each object. */
  readonly reduce: F
  readonly #sources: Sources | undefined

  constructor(map: Job<M>, reduce: F, sources?: Sources) {
    this.map = map
    this.reduce = reduce
    this.#sources = sources
  }

  /** With `reducePerObject`: the objects, in the order of the results. Empty without, and until inputs have been read. */
  get sources(): readonly string[] {
    return [...(this.#sources?.groups.keys() ?? [])]
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

/** The inputs of a reduction for each object: the results of its tasks, as soon as these are done, in their order. */
export function resultsBySource<M>(map: Job<M>, { complete, groups }: Sources): AsyncIterable<Promise<M[]>> {
  let waiting: Iterator<number[]> | undefined
  // Not a generator: `yield` would await each object's results before it looks at the next one.
  const iterator: AsyncIterator<Promise<M[]>> = {
    async next() {
      // An iterable that breaks off is told by the map.
      if (waiting === undefined) await Promise.race([complete, map.settled()])
      waiting ??= groups.values()
      const { done, value } = waiting.next()
      if (done === true) return { done: true, value: undefined }
      const results = Promise.all(value.map((index) => map.tasks[index] as TaskFuture<M>))
      results.catch(() => {})
      return { done: false, value: results }
    },
  }
  return { [Symbol.asyncIterator]: () => iterator }
}

/** Resolves when this percentage of a map's tasks has settled. */
export async function shareSettled(map: Job<unknown>, percent: number): Promise<void> {
  if (percent === 0) return
  while (!map.sized) await Promise.race([settledNext(map), map.settled()])
  await waitFor([...map.tasks], { until: percent })
}

async function settledNext(map: Job<unknown>): Promise<void> {
  for await (const _ of map) if (map.sized) return
}
