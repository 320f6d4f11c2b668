import type { Backend, CleanScope } from "../backends/backend.ts"
import { BundlingBackend } from "../backends/bundling.ts"
import { capture } from "../capture/capture.ts"
import type { Captured, Encoded } from "../capture/types.ts"
import { type JobOptions, jobOptions, type ResolvedJobOptions } from "../config/schema.ts"
import { parseOptions } from "../config/validate.ts"
import { type Cleaned, nothingCleaned } from "../storage/temporary.ts"
import { cacheFolder } from "../util/cache-folder.ts"
import type { MapOptions } from "./calls.ts"
import { defaultSignal } from "./default-signal.ts"
import type { Inputs } from "./inputs.ts"
import { Job } from "./job.ts"
import { JobCore } from "./job-core.ts"
import { refuseNested } from "./nested.ts"
import { announceJob } from "./observe.ts"
import { ResultCache } from "./result-cache.ts"
import { FolderStore } from "./result-store.ts"
import { Scheduler } from "./scheduler.ts"

/** A job as it was asked for. */
export interface Call {
  readonly fn: CallableFunction
  readonly inputs: Inputs<unknown>
  readonly options: MapOptions | undefined
  /** Who was called, for messages: "map". */
  readonly method: string
  /** Until then views do not see it, and nothing of it is sent. Default: at once. */
  readonly heldUntil?: Promise<void> | undefined
}

/** From a function with its inputs and options to a job on its way: options checked, function captured, views told. */
export class Launcher {
  readonly backend: Backend
  /** Jobs that have tasks to wait for, oldest first. */
  readonly unsettled = new Set<Job<unknown>>()
  readonly #executor: string
  readonly #defaults: JobOptions
  #plain: ResolvedJobOptions | undefined
  readonly #scheduler: Scheduler
  /** Where workers are elsewhere, and packages have to be sent. */
  readonly #bundling: BundlingBackend | undefined

  /**
   * @param executor "LocalhostExecutor", …
   * @param defaults Options of jobs that say nothing themselves.
   */
  constructor(executor: string, backend: Backend, defaults: JobOptions) {
    // Progress is shown under the notebook's cell, or on a script's stderr: it is no result.
    this.#bundling = backend.remote ? new BundlingBackend(backend, (text) => console.error(text)) : undefined
    this.backend = this.#bundling ?? backend
    this.#executor = executor
    this.#defaults = Object.fromEntries(Object.entries(defaults).filter(([, value]) => value !== undefined))
    this.#scheduler = new Scheduler(this.backend)
  }

  start<R>({ fn, inputs, options, method, heldUntil }: Call): Job<R> {
    const { signal = defaultSignal(), extraArgs, ...rest } = options ?? {}
    checkCall(fn, signal, extraArgs, method)
    const resolved = options === undefined ? this.#plainOptions(method) : this.#resolve(rest, method)
    if (heldUntil === undefined && !resolved.cache) this.#expect(inputs, resolved)
    const captured = this.#capture(fn, resolved)
    const encodedArgs = extraArgs?.length ? captured.codec.encode(extraArgs, "extraArgs") : undefined
    const core = new JobCore({
      name: resolved.name ?? nameOf(fn),
      captured,
      inputs,
      options: resolved,
      extraArgs: encodedArgs,
      host: this.#scheduler,
      cache: cacheOf(fn, captured, encodedArgs, resolved),
    })
    const { name: backend, workers } = this.backend
    const job = new Job<R>(core, { executor: this.#executor, backend, workers }, fn)
    this.unsettled.add(job)
    void core.whenSettled().then(() => this.unsettled.delete(job))
    this.#bundling?.prepare(captured.shipment)
    if (heldUntil === undefined) this.#release(job, core, signal)
    else void heldUntil.then(() => this.#release(job, core, signal))
    return job
  }

  /** Workers start while the function is captured: each takes about as long as the other. */
  #expect(inputs: Inputs<unknown>, options: ResolvedJobOptions): void {
    const known = Array.isArray(inputs) ? inputs.length : 1
    const { concurrency = known, isolation = "process", memoryMiB } = options
    this.backend.expect?.(Math.min(known, concurrency), { isolation, memoryMiB })
  }

  #resolve(options: JobOptions, method: string): ResolvedJobOptions {
    return parseOptions(jobOptions, { ...this.#defaults, ...options }, method)
  }

  /** Checked once: most jobs have no options of their own. */
  #plainOptions(method: string): ResolvedJobOptions {
    this.#plain ??= this.#resolve({}, method)
    return this.#plain
  }

  /** @throws CaptureError for a function that cannot be sent, before anything of its job begins. */
  check(fn: CallableFunction, { isolation = this.#defaults.isolation }: Pick<JobOptions, "isolation">): void {
    const captured = capture(fn, { sharesMemory: isolation === "thread" })
    if (this.backend.remote) refuseNested(fn, captured, this.backend.name)
  }

  /** Cancels what has not settled and gives back what the backend holds; what is started later finds it anew. */
  async clean(scope: CleanScope): Promise<Cleaned> {
    for (const job of this.unsettled) job.cancel()
    try {
      return (await this.backend.cleanStorage?.(scope)) ?? nothingCleaned
    } finally {
      // Also where storage was not to be reached.
      await this.backend.clean(scope).finally(() => this.#scheduler.cleaned())
    }
  }

  close(): Promise<void> {
    return this.#scheduler.close()
  }

  /** From here on its tasks are sent, and views see the job: in this order, as what views do then takes no worker's time. */
  #release(job: Job<unknown>, core: JobCore, signal: AbortSignal | undefined): void {
    cancelOn(signal, core)
    if (!core.isSettled) this.#scheduler.wake(core)
    const wasSettled = core.isSettled
    announceJob(job)
    if (wasSettled) core.tellAgain()
    else core.checkSettled()
  }

  /** @throws TypeError, RangeError for what the backend cannot give a task. */
  #check({ isolation, memoryMiB }: ResolvedJobOptions): void {
    const { least, most } = this.backend.supports.memoryMiB ?? { least: 0, most: Number.POSITIVE_INFINITY }
    if (memoryMiB !== undefined && (memoryMiB < least || memoryMiB > most))
      throw new RangeError(
        `Option \`memoryMiB\` takes an integer from ${least} to ${most} on ${this.backend.name}, but got ${memoryMiB}.`,
      )
    if (isolation === "thread" && this.backend.supports.threads !== true)
      throw new TypeError(
        `Option \`isolation\` takes "thread" for localhost only; workers of ${this.backend.name} are processes.`,
      )
  }

  #capture(fn: CallableFunction, options: ResolvedJobOptions): Captured {
    this.#check(options)
    const { isolation, packages } = options
    const captured = capture(fn, { sharesMemory: isolation === "thread" })
    const external = packages?.external ?? []
    if (!this.backend.remote) return captured
    refuseNested(fn, captured, this.backend.name)
    return { ...captured, codec: captured.untrusted, shipment: { ...captured.shipment, external } }
  }
}

export function nameOf(fn: unknown): string {
  return (typeof fn === "function" && fn.name) || "anonymous"
}

function cacheOf(
  fn: CallableFunction,
  captured: Captured,
  extraArgs: Encoded | undefined,
  options: ResolvedJobOptions,
): ResultCache | undefined {
  if (!options.cache) return undefined
  return new ResultCache(new FolderStore(cacheFolder("results")), { fn, captured, extraArgs, options })
}

function checkCall(fn: unknown, signal: unknown, extraArgs: unknown, method: string): void {
  if (typeof fn !== "function")
    throw new TypeError(`${method} takes a function, but got ${fn === null ? "null" : typeof fn}.`)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError(`Option \`signal\` of ${method} takes an AbortSignal, but got ${typeof signal}.`)
  if (extraArgs !== undefined && !Array.isArray(extraArgs))
    throw new TypeError(`Option \`extraArgs\` of ${method} takes an array, but got ${typeof extraArgs}.`)
  const given = 2 + (extraArgs?.length ?? 0)
  if (fn.length > given)
    throw new TypeError(
      `${method} was given a function of ${fn.length} arguments, but it is called with ${given}: its input, the task's context${extraArgs === undefined ? "; further ones come from the option `extraArgs`" : `, and ${extraArgs.length} by the option \`extraArgs\``}.`,
    )
}

function cancelOn(signal: AbortSignal | undefined, core: JobCore): void {
  if (signal === undefined) return
  const cancel = () => core.cancel()
  if (signal.aborted) {
    cancel()
    return
  }
  signal.addEventListener("abort", cancel, { once: true })
  void core.whenSettled().then(() => signal.removeEventListener("abort", cancel))
}
