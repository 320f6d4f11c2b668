import { BackendError } from "../../errors.ts"
import type { JobStorage, StorageDescription } from "../../protocol/storage.ts"
import type { Cleaned } from "../../storage/temporary.ts"
import { cellfanVersion } from "../../util/version.ts"
import type { Backend, BatchEvents, CleanScope, RunningBatch, TaskBatch } from "../backend.ts"
import { type ListedFunction, listFunctions, removeFunction, removeFunctions } from "./catalog.ts"
import type { Deploying } from "./deploy.ts"
import { tell } from "./errors.ts"
import type { FunctionCode } from "./function-code.ts"
import { ownCode } from "./function-code.ts"
import { type CallEnd, invoke } from "./invoke.ts"
import { LambdaFunction, type Shard } from "./lambda-function.ts"
import { LambdaRun, type RunOwner } from "./lambda-run.ts"
import { Payloads } from "./payload.ts"
import { costOf, listPrices, type Prices } from "./prices.ts"
import { runtimeFor } from "./runtime.ts"
import { type AwsAccess, type LambdaClient, type LambdaSdk, lambdaSdk, openLambda } from "./sdk.ts"

/**
 * Tasks in functions on Amazon Lambda.
 *
 *     lambda.ts           which batch is called when
 *     lambda-run.ts       a batch and its calls: what became of its tasks, and what is done next
 *     lambda-function.ts  functions of one size
 *     pace.ts             how fast a function may be called
 *     invoke.ts           one call, and its answer
 *     payload.ts          a batch as a request: inline, or by way of storage
 *     deploy.ts           making a function, or finding it; function-code.ts, zip.ts what it is made of, role.ts what it runs as
 *     catalog.ts          which functions there are, and deleting them
 *     runtime.ts          which Node.js they run
 *     errors.ts           what went wrong, what can be done, whether a further try is worth it
 *     policy.ts           the rights that are needed
 *     prices.ts           what calls cost
 *     sdk.ts              Amazon's SDK
 *
 * What travels, and what all serverless backends share, is in protocol/invocation.ts, worker/serverless and ../sendings.ts.
 */
export interface LambdaOptions {
  readonly access: AwsAccess
  /** Calls that run at once. */
  readonly workers: number
  readonly memoryMiB: number
  /** Longest time of a call. */
  readonly timeoutMs: number
  readonly architecture: "x86_64" | "arm64"
  readonly ephemeralStorageMiB: number
  /** Functions that share the calls, each of which scales for itself. */
  readonly shards?: number
  readonly roleArn?: string | undefined
  readonly namespace?: string | undefined
  /** Environment variables and tags of the functions. */
  readonly env?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  /** Default: cellfan's own, on the Node.js nearest to this one; or a function of another make. */
  readonly code?: FunctionCode
  /** Whether functions answer in parts, so that progress and logs are seen live. Default: on Amazon itself. */
  readonly streams?: boolean
  readonly prices?: Partial<Prices>
  /** Wait before a call is made again that failed (default: 200); doubles with each further one. */
  readonly firstPauseMs?: number
  /** Where calls and answers go that are too large for Lambda; called when there is one. */
  readonly storage: () => StorageDescription
  /** Told in one line of text what takes long, or what a user is to know. */
  readonly onProgress?: (text: string) => void
}

/** Lambda's own limit. */
export const maxTimeoutMs = 900_000

/** What is told of throttling comes no more often. */
const tellThrottledEveryMs = 10_000

interface Opened {
  readonly client: LambdaClient
  readonly sdk: LambdaSdk
  readonly region: string
}

export class LambdaBackend implements Backend, RunOwner {
  readonly name = "aws_lambda"
  readonly remote = true
  /** A call takes some tens of milliseconds, and is billed for at least one. */
  readonly batchMs = 500
  readonly supports
  readonly workers: number
  readonly firstPauseMs: number
  readonly #options: LambdaOptions
  readonly #payloads: Payloads
  readonly #functions = new Map<string, LambdaFunction>()
  readonly #queue: { run: LambdaRun; fn: LambdaFunction }[] = []
  readonly #runs = new Set<LambdaRun>()
  readonly #closing = new AbortController()
  /** Deletions of what jobs had in storage. */
  readonly #forgetting = new Set<Promise<void>>()
  /** The job that was last told of calls that go on. */
  #toldLeft: string | undefined
  #opening: Promise<Opened> | undefined
  #opened: Opened | undefined
  #running = 0
  #timer: NodeJS.Timeout | undefined
  #toldThrottledAtMs = Number.NEGATIVE_INFINITY

  constructor(options: LambdaOptions) {
    this.#options = options
    this.workers = options.workers
    this.firstPauseMs = options.firstPauseMs ?? 200
    this.#payloads = new Payloads(options.storage)
    const streams = this.#streams
    this.supports = { cancel: false, logs: true, progress: streams, reattach: false, takeBack: false }
  }

  get idle(): number {
    return Math.max(0, this.workers - this.#running - this.#queue.length)
  }

  /** Deploys the function that tasks without wishes of their own run in. */
  async open(): Promise<void> {
    await this.#open()
    await this.#functionFor(undefined, undefined).ready
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    const fn = this.#functionFor(batch.memoryMiB, batch.timeoutMs)
    const run = new LambdaRun({ ...batch, storage: this.#reachable(batch.storage) }, events, fn.spec, this)
    this.#runs.add(run)
    fn.ready.then(
      () => this.#enqueue(run, fn),
      (error: Error) => this.#over(run, error),
    )
    return run
  }

  forget(jobId: string): void {
    // What could not be deleted now, `clean` finds by its age.
    const forgetting = this.#payloads.forget(jobId).catch(() => {})
    this.#forgetting.add(forgetting)
    void forgetting.then(() => this.#forgetting.delete(forgetting))
  }

  leftRunning(run: LambdaRun): void {
    const { jobId } = run.batch
    if (jobId === this.#toldLeft) return
    this.#toldLeft = jobId
    this.#say(
      "Cancelled. Lambda cannot end calls that run: it finishes them, and bills for that. Their results are not waited for.",
    )
  }

  /** Deletes the functions that cellfan has made, in this region and namespace. */
  async clean(): Promise<void> {
    await this.removeAll()
  }

  async cleanStorage(scope: CleanScope): Promise<Cleaned> {
    await Promise.all(this.#forgetting)
    return this.#payloads.clean(scope)
  }

  /** The functions that cellfan has made, in this region and namespace. */
  async list(): Promise<{ readonly region: string; readonly functions: readonly ListedFunction[] }> {
    const { client, sdk, region } = await this.#open()
    try {
      return { region, functions: await listFunctions(sdk, client, this.#options.namespace) }
    } catch (error) {
      throw this.#tell(error, "list functions")
    }
  }

  /** Deletes one function. Whether it was there. */
  async remove(name: string): Promise<boolean> {
    const { client, sdk } = await this.#open()
    try {
      return await removeFunction(sdk, client, name)
    } catch (error) {
      throw this.#tell(error, `delete the function ${name}`)
    }
  }

  /** Deletes them all. Resolves with their names. */
  async removeAll(): Promise<readonly string[]> {
    const { client, sdk } = await this.#open()
    try {
      return await removeFunctions(sdk, client, this.#options.namespace)
    } catch (error) {
      throw this.#tell(error, "delete functions")
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
    clearTimeout(this.#timer)
    for (const run of [...this.#runs]) run.cancel([...run.batch.indices], 0)
    const opened = await this.#opening?.catch(() => undefined)
    opened?.client.destroy()
    await Promise.all(this.#forgetting)
  }

  get #streams(): boolean {
    return this.#options.streams ?? this.#options.access.endpoint === undefined
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#connect()
    this.#opening.catch(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #connect(): Promise<Opened> {
    const { access, workers } = this.#options
    const sdk = await lambdaSdk()
    try {
      const client = await openLambda(access, workers, maxTimeoutMs)
      const region = await client.config.region()
      // Found once, before a thousand calls look for them at the same time.
      await client.config.credentials()
      this.#opened = { client, sdk, region }
      return this.#opened
    } catch (error) {
      throw tell(error, {
        doing: "be reached",
        region: access.region ?? "no region",
        endpoint: access.endpoint,
      })
    }
  }

  #tell(error: unknown, doing: string): BackendError {
    return tell(error, {
      doing,
      region: this.#opened?.region ?? "?",
      endpoint: this.#options.access.endpoint,
    })
  }

  #functionFor(memoryMiB: number | undefined, timeoutMs: number | undefined): LambdaFunction {
    const { options, timeout } = this.#resolved(memoryMiB, timeoutMs)
    const key = `${options.memoryMiB} ${timeout}`
    let fn = this.#functions.get(key)
    if (fn === undefined) {
      fn = this.#deploy(options.memoryMiB, timeout)
      this.#functions.set(key, fn)
      // Whoever needs it next tries again.
      fn.ready.catch(() => this.#functions.delete(key))
    }
    return fn
  }

  /** A task may ask for more memory and more time than the others. */
  #resolved(memoryMiB: number | undefined, timeoutMs = 0) {
    const options = { ...this.#options, memoryMiB: memoryMiB ?? this.#options.memoryMiB }
    // What a task may take, and what it takes to say that it took longer.
    const needed = timeoutMs > options.timeoutMs ? Math.ceil(timeoutMs / 1000 + 2) * 1000 : options.timeoutMs
    return { options, timeout: Math.min(maxTimeoutMs, needed) }
  }

  #deploy(memoryMiB: number, timeoutMs: number): LambdaFunction {
    const { access, architecture, ephemeralStorageMiB, namespace, roleArn, code, shards = 1 } = this.#options
    const { env = {}, tags = {}, workers } = this.#options
    const streaming = this.#streams ? { CELLFAN_STREAMS: "1" } : {}
    const spec = {
      ...{ memoryMiB, timeoutMs, architecture, ephemeralStorageMiB, namespace, roleArn, tags, shard: 0 },
      env: { ...env, ...streaming },
      code: code ?? ownCode(runtimeFor()),
    }
    const { client, region } = this.#opened ?? {}
    if (client === undefined || region === undefined)
      throw new BackendError("The backend aws_lambda is not open.", { backend: this.name, retryable: false })
    const around: Deploying = {
      ...{ access, client, region, version: cellfanVersion() },
      say: (text) => this.#say(text),
      signal: this.#closing.signal,
    }
    return new LambdaFunction(spec, shards, workers, around)
  }

  #enqueue(run: LambdaRun, fn: LambdaFunction): void {
    if (run.isClosed) {
      this.#runs.delete(run)
      return
    }
    this.#queue.push({ run, fn })
    this.#pump()
  }

  /** Calls what may be called now, and looks again when more may be. */
  #pump(): void {
    clearTimeout(this.#timer)
    let waitMs = Number.POSITIVE_INFINITY
    for (let at = 0; at < this.#queue.length && this.#running < this.workers; ) {
      const { run, fn } = this.#queue[at] as { run: LambdaRun; fn: LambdaFunction }
      const shard = run.isWaiting ? fn.take(performance.now()) : undefined
      if (typeof shard === "number") {
        waitMs = Math.min(waitMs, shard)
        // Batches of other functions may be called meanwhile; those of this one wait as well.
        if (this.#functions.size === 1) break
        at++
        continue
      }
      this.#queue.splice(at, 1)
      if (shard !== undefined) void this.#call(run, fn, shard)
      else this.#runs.delete(run)
    }
    if (waitMs !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), Math.max(1, waitMs))
  }

  async #call(run: LambdaRun, fn: LambdaFunction, shard: Shard): Promise<void> {
    this.#running++
    const end = await this.#answer(run, fn, shard, run.called())
    this.#running--
    if (isThrottle(end)) shard.pace.throttled(performance.now())
    else shard.pace.ended()
    if (end.kind === "died") this.#bill(run, fn, end.billedMs)
    const next = run.answered(end)
    if (next === "over") this.#runs.delete(run)
    else if (next === "again") this.#queue.unshift({ run, fn })
    else {
      if (next.throttled) this.#tellThrottled()
      run.pause()
      setTimeout(() => {
        run.resume()
        this.#enqueue(run, fn)
      }, next.afterMs)
    }
    this.#pump()
  }

  async #answer(run: LambdaRun, fn: LambdaFunction, shard: Shard, signal: AbortSignal): Promise<CallEnd> {
    const { jobId, timeoutMs } = run.batch
    const { client, sdk, region } = this.#opened as Opened
    const { endpoint } = this.#options.access
    try {
      const event = await this.#payloads.eventOf(run.sendings, { jobId, timeoutMs, sent: run.sent })
      return await invoke({
        ...{ client, sdk, functionName: shard.name, event, region, endpoint, signal, streams: this.#streams },
        bill: (billedMs) => this.#bill(run, fn, billedMs),
        hear: (said, environment) => run.hear(said, environment),
        fetch: (reference) => this.#payloads.fetch(jobId, reference, signal),
      })
    } catch (cause) {
      return { kind: "failed", error: payloadError(cause) }
    }
  }

  /** Files of this machine are none that a function could reach: its tasks get the storage beside it. */
  #reachable(storage: JobStorage | undefined): JobStorage | undefined {
    if (storage === undefined || !("backend" in storage.own) || storage.own.backend !== "localhost")
      return storage
    try {
      return { ...storage, own: this.#options.storage() }
    } catch (error) {
      return { ...storage, own: { problem: (error as Error).message } }
    }
  }

  #bill(run: LambdaRun, fn: LambdaFunction, billedMs: number): void {
    const { prices, architecture } = this.#options
    run.events.spent?.(costOf(billedMs, fn.spec, { ...listPrices[architecture], ...prices }))
  }

  #over(run: LambdaRun, error: Error): void {
    this.#runs.delete(run)
    run.close(error)
  }

  #tellThrottled(): void {
    const now = performance.now()
    if (now - this.#toldThrottledAtMs < tellThrottledEveryMs) return
    this.#toldThrottledAtMs = now
    this.#say(
      `Lambda throttles: ${this.#running} calls run now, the others wait. A higher quota "Concurrent executions", or fewer \`workers\`, helps.`,
    )
  }

  #say(text: string): void {
    this.#options.onProgress?.(text)
  }
}

function isThrottle(end: CallEnd): boolean {
  return end.kind === "failed" && end.error.kind === "throttled"
}

/** What keeps a call from being made at all: it is too large, and storage did not take it. */
function payloadError(cause: unknown): BackendError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new BackendError(
    `The tasks' code, values or inputs are larger than the 4.7 MB that a call of Lambda has room for, and storage did not take them: ${message}`,
    { backend: "aws_lambda", kind: "too-large", retryable: false, cause },
  )
}
