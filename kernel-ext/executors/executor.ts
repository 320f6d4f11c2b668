import { randomUUID } from "node:crypto"
import { inspect } from "node:util"
import type { Backend } from "../backends/backend.ts"
import { travelsAs } from "../capture/per-worker.ts"
import { type JobOptions, reduceOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { placeWords } from "../protocol/job-words.ts"
import type { MapOptions, MapReduceOptions, ReduceFunction, TaskFunction } from "./calls.ts"
import type { Inputs } from "./inputs.ts"
import { Job } from "./job.ts"
import { type Call, Launcher, nameOf } from "./launcher.ts"
import { MapReduce, resultsBySource, shareSettled } from "./map-reduce.ts"
import { type NestedOptions, recipeFor } from "./nested.ts"
import { announceExecutor, type ExecutorView } from "./observe.ts"
import { type Sourced, Sources } from "./sources.ts"
import { TaskFuture } from "./task.ts"
import { type ResultOf, tasksOf, type Waitable, type Waited, type WaitOptions, waitFor } from "./wait.ts"

/**
 * Executors: what users hold, and how their work becomes tasks.
 *
 *     executor.ts         map, callAsync: what all executors have in common
 *     localhost.ts        LocalhostExecutor
 *     function-executor.ts  FunctionExecutor: the mode comes from configuration
 *     calls.ts            functions and options that they take
 *     launcher.ts         from a call to a job on its way
 *     nested.ts           an executor within a task of another one
 *     map-reduce.ts       a map and the reduction of its results (sources.ts: which results belong to which object)
 *     wait.ts             wait and getResult (attach.ts: a job by its id)
 *     job.ts, task.ts     what a user holds of running work: promises with methods
 *     job-core.ts         a job's tasks and what became of them (job-spec.ts: what it is made with), put together from:
 *       table.ts, logs.ts   what is known of each task: typed arrays, bounded text
 *       inputs.ts           arrays, iterables and async iterables, read as needed
 *       task-queue.ts       which tasks wait to be sent
 *       retries.ts          what happens to a task that ended without a result
 *       failures.ts         errors, made when someone looks
 *       settling.ts         in which order tasks settled, and who waits for it
 *     scheduler.ts        which job's tasks go to the backend when
 *       flight.ts, batch.ts   tasks that travel together: there, and back
 *       partition.ts        how many travel together
 *       rebalance.ts        workers with nothing to do take over what waits behind others
 *       stragglers.ts       which tasks are worth a second copy
 *     result-cache.ts     results kept from earlier jobs, by what they depend on (result-store.ts: where)
 *     stats.ts            a job in numbers (task-stats.ts: a task)
 *     manifest.ts         what results depend on, for a notebook to keep (fingerprint.ts: hashes of values)
 *     plot.ts             timeline and histogram
 *     observe.ts          the window for views
 *     task-here.ts        a task taken out of its job, to debug it in this process
 *     default-signal.ts   what stops a job that has no signal of its own
 */

export abstract class Executor implements AsyncDisposable {
  readonly #launcher: Launcher
  #closing: Promise<void> | undefined
  readonly #hide: () => void
  #newest: Job<unknown> | TaskFuture<unknown> | undefined

  /**
   * @param defaults What jobs of this executor have where their own options say nothing.
   * @param inTask What it is for a task whose function refers to it.
   */
  protected constructor(
    backend: Backend,
    defaults: JobOptions = {},
    inTask: NestedOptions = { ...defaults },
  ) {
    travelsAs(this, recipeFor(inTask))
    this.#launcher = new Launcher(this.constructor.name, backend, defaults)
    this.#hide = announceExecutor(viewOf(this, backend, this.#launcher))
  }

  /** Tasks that can run at once. */
  get workers(): number {
    return this.#launcher.backend.workers
  }

  /** "localhost", … */
  get backend(): string {
    return this.#launcher.backend.name
  }

  [inspect.custom](): string {
    return placeWords({ executor: this.constructor.name, backend: this.backend, workers: this.workers })
  }

  /**
   * Runs `fn` once for each input. Returns at once; await the job for the results in the order of the inputs.
   *
   * @param inputs An array, or any iterable or async iterable, which is then read as the workers need it.
   *   An input that is itself a typed array, a Buffer or an ArrayBuffer is copied when it is read: now for an array, as
   *   long as they are no more than 64 MiB together. Anything else is read when it is sent, which may be after this call:
   *   change no object among the inputs before the job has settled.
   * @throws CaptureError naming the path, where `fn` refers to something that cannot be sent.
   * @throws ConfigError for a wrong option.
   *
   * @example
   * ```ts
   * const squares = await fexec.map((n: number) => n ** 2, [1, 2, 3])   // [1, 4, 9]
   * ```
   */
  map<I, R, A extends readonly unknown[] = []>(
    fn: TaskFunction<I, A, R>,
    inputs: Inputs<I>,
    options?: MapOptions<A>,
  ): Job<Awaited<R>> {
    return this.#start({ fn, inputs, options, method: "map" })
  }

  /**
   * Runs `fn` once.
   *
   * @example
   * ```ts
   * await fexec.callAsync((n: number) => n * 2, 21)   // 42
   * ```
   */
  callAsync<I, R, A extends readonly unknown[] = []>(
    fn: TaskFunction<I, A, R>,
    input: I | PromiseLike<I>,
    options?: MapOptions<A>,
  ): TaskFuture<Awaited<R>> {
    const job = this.#start<Awaited<R>>({ fn, inputs: [input], options, method: "callAsync" })
    const task = job.tasks[0] as TaskFuture<Awaited<R>>
    this.#newest = task
    return task
  }

  /**
   * Runs `mapFn` for each input, and then `reduceFn`, in a worker too: once on all results in the order of the inputs, or
   * with `reducePerObject` for each object on the results of its parts, as soon as these are there.
   * Options are for both; `reduce` takes those that are different for the reduction.
   *
   * @throws TypeError with `reducePerObject`, where an input does not say by its `source` which object it is part of.
   *
   * @example
   * ```ts
   * const parts = [{ source: "a", n: 1 }, { source: "b", n: 2 }, { source: "a", n: 3 }]
   * const sum = (ns: number[]) => ns.reduce((a, b) => a + b)
   * await fexec.mapReduce(({ n }) => n, parts, sum)                              // 6
   * await fexec.mapReduce(({ n }) => n, parts, sum, { reducePerObject: true })   // [4, 2]
   * ```
   */
  mapReduce<I extends Sourced, M, R, A extends readonly unknown[] = []>(
    mapFn: TaskFunction<I, A, M>,
    inputs: Inputs<I>,
    reduceFn: ReduceFunction<M, R>,
    options: MapReduceOptions<A> & { readonly reducePerObject: true },
  ): MapReduce<Awaited<M>, Awaited<R>[], Job<Awaited<R>>>
  mapReduce<I, M, R, A extends readonly unknown[] = []>(
    mapFn: TaskFunction<I, A, M>,
    inputs: Inputs<I>,
    reduceFn: ReduceFunction<M, R>,
    options?: MapReduceOptions<A> & { readonly reducePerObject?: false | undefined },
  ): MapReduce<Awaited<M>, Awaited<R>>
  mapReduce<I, M, R, A extends readonly unknown[]>(
    mapFn: TaskFunction<I, A, M>,
    inputs: Inputs<I>,
    reduceFn: ReduceFunction<M, R>,
    options: MapReduceOptions<A> = {},
  ) {
    const { reduce: own, reducePerObject, spawnReducerAt, ...mapOptions } = options
    const { extraArgs: _, chunkSize: __, concurrency: ___, name = nameOf(mapFn), ...shared } = mapOptions
    const given = parseOptions(reduceOptions, { reducePerObject, spawnReducerAt }, "mapReduce")
    // Refused before the map begins, not after it has run.
    this.#launcher.check(reduceFn, { isolation: own?.isolation ?? options.isolation })
    const sources = given.reducePerObject ? new Sources(inputs) : undefined
    const map = this.map(mapFn, (sources?.inputs ?? inputs) as Inputs<I>, mapOptions)
    const reduce = this.#start<Awaited<R>>({
      fn: reduceFn,
      inputs: sources === undefined ? [map] : resultsBySource(map, sources),
      options: { ...shared, name: `${name}: reduce`, ...own },
      method: "mapReduce",
      heldUntil: shareSettled(map, given.spawnReducerAt),
    })
    if (sources !== undefined) return new MapReduce(map, reduce, sources)
    this.#newest = reduce.tasks[0]
    return new MapReduce(map, reduce.tasks[0] as TaskFuture<Awaited<R>>)
  }

  /**
   * Waits for tasks to settle, whichever way.
   *
   * @param tasks Default: those of every job of this executor that has not settled. Of a job whose inputs are still being
   *   read, the tasks known by now.
   */
  async wait<W extends Waitable = Waitable>(tasks?: W, options?: WaitOptions): Promise<Waited<ResultOf<W>>> {
    return waitFor(tasksOf(tasks ?? ([...this.#launcher.unsettled] as Waitable as W)), options)
  }

  /**
   * Results: of one task its value, of a job or a list of tasks an array. Rejects as they do.
   *
   * @param tasks Default: the newest call of `map` or `callAsync`.
   */
  getResult<R>(tasks: TaskFuture<R>): Promise<R>
  getResult<W extends Exclude<Waitable, TaskFuture<unknown>>>(tasks: W): Promise<ResultOf<W>[]>
  getResult(tasks?: undefined): Promise<unknown>
  async getResult(tasks: Waitable | undefined = this.#newest): Promise<unknown> {
    if (tasks === undefined)
      throw new TypeError("getResult has no result to give: nothing was called before.")
    if (tasks instanceof TaskFuture || tasks instanceof Job) return await tasks
    return Promise.all(tasksOf(tasks))
  }

  /** Ends the workers; what still runs is cancelled. Can be called again. */
  close(): Promise<void> {
    this.#hide()
    this.#closing ??= this.#launcher.close()
    return this.#closing
  }

  /** @internal For a process that is about to end: jobs that outlive it are left as they are, others are cancelled. */
  async leave(): Promise<void> {
    if (!this.#launcher.backend.supports.reattach) await this.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #start<R>(call: Call): Job<R> {
    if (this.#closing !== undefined)
      throw new TypeError(`This ${this.constructor.name} is closed: make a new one.`)
    const job = this.#launcher.start<R>(call)
    this.#newest = job
    return job
  }
}

function viewOf(executor: Executor, backend: Backend, launcher: Launcher): ExecutorView {
  return {
    id: randomUUID().slice(0, 8),
    kind: executor.constructor.name,
    backend: backend.name,
    handle: executor,
    get workers() {
      return backend.workers
    },
    get idle() {
      return backend.idle
    },
    workerStates: () => backend.workerStates?.(),
    clean: (scope = "own") => launcher.clean(scope),
    close: () => executor.close(),
  }
}
