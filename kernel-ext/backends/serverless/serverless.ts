import { BackendError } from "../../errors.ts"
import type { JobStorage, StorageDescription } from "../../protocol/storage.ts"
import type { Cleaned } from "../../storage/temporary.ts"
import { cellfanVersion } from "../../util/version.ts"
import type { Backend, BackendSupport, BatchEvents, CleanScope, RunningBatch, TaskBatch } from "../backend.ts"
import { Calls } from "./calls.ts"
import { serverlessFacts } from "./facts.ts"
import { ServerlessFunction } from "./function.ts"
import { Payloads } from "./payload.ts"
import type { FunctionSize, ListedFunction, Platform } from "./platform.ts"
import { type RunOwner, ServerlessRun } from "./run.ts"

/**
 * Tasks in functions of a serverless platform. A provider says how one is made and called: platform.ts is all it has to
 * fill in, and ../lambda is one that does. The rest is here, and the same for all:
 *
 *     serverless.ts       the backend: which function a batch runs in, what is left behind
 *     platform.ts         what a provider is: Platform, Callable, CallEnd
 *     calls.ts            which batch is called when (pace.ts: how fast a function may be called)
 *     run.ts              a batch and its calls: what is done next (tasks-of-call.ts: what became of its tasks)
 *     retry.ts            which errors are worth another call, and after what pause
 *     function.ts         functions of one size that share the calls
 *     payload.ts          a batch as a request: inline, or by way of storage
 *     answer.ts           what comes back, in parts or whole
 *     hints.ts            what users can do about time, memory and size
 *     http.ts             requests and calls, for platforms that are spoken to by HTTP
 *     container.ts        the container that runs the worker, for platforms that run containers
 *     worker-files.ts     the worker as it was built; zip.ts packs it
 *     facts.ts            what is known of it before this is loaded
 *     loaded-later.ts     a platform whose code is loaded when it is opened
 *
 * What travels is in protocol/invocation.ts and ../sendings.ts; what runs it there, in worker/serverless.
 */
export interface ServerlessOptions {
  readonly platform: Platform
  /** Calls that run at once. */
  readonly workers: number
  /** Wait before a call is made again that failed (default: 200); doubles with each further one. */
  readonly firstPauseMs?: number | undefined
  /** Where calls and answers go that are too large; called when there is one. Throws where there is none. */
  readonly storage: () => StorageDescription
  /** Told in one line of text what takes long, or what a user is to know. */
  readonly onProgress?: ((text: string) => void) | undefined
}

/** Deletions at a time: management interfaces take some ten requests a second. */
const deletionsAtOnce = 5

export class ServerlessBackend implements Backend, RunOwner {
  readonly name: string
  readonly platform: Platform
  readonly remote = true
  readonly batchMs: number
  readonly supports: BackendSupport
  readonly workers: number
  readonly firstPauseMs: number
  readonly #options: ServerlessOptions
  readonly #payloads: Payloads
  readonly #calls: Calls
  readonly #functions = new Map<string, ServerlessFunction>()
  readonly #runs = new Set<ServerlessRun>()
  readonly #closing = new AbortController()
  /** Deletions of what jobs had in storage. */
  readonly #forgetting = new Set<Promise<void>>()
  /** The job that was last told of calls that go on. */
  #toldLeft: string | undefined
  #opening: Promise<string> | undefined
  #isOpen = false

  constructor(options: ServerlessOptions) {
    const { platform, workers, storage, firstPauseMs = 200 } = options
    this.#options = options
    this.platform = platform
    const facts = serverlessFacts(platform)
    this.name = facts.name
    this.batchMs = facts.batchMs
    this.workers = workers
    this.firstPauseMs = firstPauseMs
    this.supports = facts.supports
    const payloads = new Payloads(storage, platform.limits.requestBytes)
    this.#payloads = payloads
    this.#calls = new Calls({
      ...{ platform, payloads, workers },
      say: (text) => this.#say(text),
      over: (run) => this.#runs.delete(run),
    })
  }

  get idle(): number {
    return this.#calls.idle
  }

  /** Deploys the function that tasks without wishes of their own run in. */
  async open(): Promise<void> {
    await this.#open()
    await this.#functionFor(undefined, undefined).ready
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    const fn = this.#functionFor(batch.memoryMiB, batch.timeoutMs)
    const run = new ServerlessRun(
      { ...batch, storage: this.#reachable(batch.storage) },
      events,
      fn.size,
      this,
    )
    this.#runs.add(run)
    fn.ready.then(
      () => this.#calls.add(run, fn),
      (error: Error) => {
        this.#runs.delete(run)
        run.close(error)
      },
    )
    return run
  }

  forget(jobId: string): void {
    // What could not be deleted now, `clean` finds by its age.
    const forgetting = this.#payloads.forget(jobId).catch(() => {})
    this.#forgetting.add(forgetting)
    void forgetting.then(() => this.#forgetting.delete(forgetting))
  }

  leftRunning({ batch: { jobId } }: ServerlessRun): void {
    if (this.platform.endsLeftCalls || jobId === this.#toldLeft) return
    this.#toldLeft = jobId
    this.#say(
      `Cancelled. ${this.platform.title} cannot end calls that run: it finishes them, and bills for that. Their results are not waited for.`,
    )
  }

  /** Deletes the functions that cellfan has made, in this place and namespace. */
  async clean(): Promise<void> {
    await this.removeAll()
  }

  async cleanStorage(scope: CleanScope): Promise<Cleaned> {
    await Promise.all(this.#forgetting)
    return this.#payloads.clean(scope)
  }

  /** The functions that cellfan has made, in this place and namespace. */
  async list(): Promise<{ readonly place: string; readonly functions: readonly ListedFunction[] }> {
    const place = await this.#open()
    return { place, functions: await this.platform.list() }
  }

  /** Deletes one function. Whether it was there. */
  async remove(name: string): Promise<boolean> {
    await this.#open()
    return this.platform.remove(name)
  }

  /** Deletes them all. Resolves with their names. */
  async removeAll(): Promise<readonly string[]> {
    try {
      const names = (await this.list()).functions.map(({ name }) => name)
      for (let at = 0; at < names.length; at += deletionsAtOnce)
        await Promise.all(names.slice(at, at + deletionsAtOnce).map((name) => this.platform.remove(name)))
      return names
    } finally {
      this.#functions.clear()
    }
  }

  /** Whether this version of cellfan has made it. */
  isCurrent({ version }: ListedFunction): boolean {
    return version === cellfanVersion()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#calls.close()
    for (const run of [...this.#runs]) run.cancel([...run.batch.indices], 0)
    await this.#opening?.catch(() => {})
    this.platform.close()
    await Promise.all(this.#forgetting)
    await this.#payloads.close()
  }

  #open(): Promise<string> {
    if (this.#opening === undefined) {
      const opening = this.platform.open()
      this.#opening = opening
      opening.then(
        () => {
          this.#isOpen = true
        },
        () => {
          this.#opening = undefined
        },
      )
    }
    return this.#opening
  }

  #functionFor(memoryMiB: number | undefined, timeoutMs: number | undefined): ServerlessFunction {
    const size = this.#sizeFor(memoryMiB, timeoutMs)
    const key = `${size.memoryMiB} ${size.timeoutMs}`
    let fn = this.#functions.get(key)
    if (fn === undefined) {
      fn = this.#deploy(size)
      this.#functions.set(key, fn)
      // Whoever needs it next tries again.
      fn.ready.catch(() => this.#functions.delete(key))
    }
    return fn
  }

  /** A task may ask for more memory and more time than the others. */
  #sizeFor(memoryMiB: number | undefined, timeoutMs = 0): FunctionSize {
    const { size, limits } = this.platform
    // What a task may take, and what it takes to say that it took longer.
    const needed = timeoutMs > size.timeoutMs ? Math.ceil(timeoutMs / 1000 + 2) * 1000 : size.timeoutMs
    return { memoryMiB: memoryMiB ?? size.memoryMiB, timeoutMs: Math.min(limits.timeoutMs, needed) }
  }

  #deploy(size: FunctionSize): ServerlessFunction {
    if (!this.#isOpen)
      throw new BackendError(`The backend ${this.name} is not open.`, {
        backend: this.name,
        retryable: false,
      })
    const say = (text: string) => this.#say(text)
    return new ServerlessFunction(this.platform, size, this.workers, { say, signal: this.#closing.signal })
  }

  /** Files of this machine are none that a function could reach: its tasks get the storage beside it. */
  #reachable(storage: JobStorage | undefined): JobStorage | undefined {
    if (storage === undefined) return undefined
    const known = Object.fromEntries(
      Object.entries(storage.known).filter(([, { backend }]) => backend !== "localhost"),
    )
    if (!("backend" in storage.own) || storage.own.backend !== "localhost") return { ...storage, known }
    try {
      return { known, own: this.#options.storage() }
    } catch (error) {
      return { known, own: { problem: (error as Error).message } }
    }
  }

  #say(text: string): void {
    this.#options.onProgress?.(text)
  }
}
