import type { ContentKey, InvocationEnd, InvocationEvent, Outcome, Said } from "../../protocol/invocation.ts"
import { contentKey } from "../../protocol/invocation.ts"
import type { Sending, ToWorker } from "../../protocol/worker.ts"
import { Contents } from "./contents.ts"
import { readEvent } from "./event.ts"
import { TaskThread } from "./task-thread.ts"
import { maxBytesOf, watchFor } from "./watch.ts"

/**
 * One instance of a serverless function: it runs the tasks of one call at a time, in a thread of its own. Whatever they do
 * to that thread, the instance lives, names the task, and has the next call find a new thread.
 *
 *     environment.ts   a call: what it needs, what became of its tasks
 *     event.ts         what the host sent, also by way of storage
 *     watch.ts         what ends a task before it ends itself: time, memory, a caller that has left
 *     contents.ts      what is kept for further calls: in the folder for temporary files
 *     task-thread.ts   the thread, as seen from outside; thread.ts from inside
 *     answer.ts        an answer as one value, or by way of storage; in-parts.ts: as it comes
 *     http-server.ts   calls by HTTP, several at a time: one environment for each
 */

export interface EnvironmentOptions {
  readonly name: string
  /** The file that the thread runs: `runThread()` of thread.ts. */
  readonly threadFile: URL
  /** Folder for what is kept. */
  readonly cacheFolder: string
  /** Heap of the thread. */
  readonly heapMiB: number
  /**
   * What the whole process may use, where the platform says nothing of it: it ends a process that takes more, and the host
   * sees a broken connection. A task that comes near to it is ended instead, and named. Default: nobody looks.
   */
  readonly memoryMiB?: number | undefined
}

/** What surrounds a call. */
export interface Call {
  /** How long the function may still run. */
  remainingMs(): number
  /** Hears what comes of the tasks, as it does. */
  tell(said: Said): void
  /** Aborted when nobody waits for the answer any more: its running task is ended, and the rest of them is not begun. */
  readonly signal?: AbortSignal | undefined
}

/** How long a task may take to notice its signal before its thread is replaced. */
const graceMs = 500

/** What is left of a function's time when its running task is given up: enough to answer. */
const reserveMs = 1000

/** A thread that was sent more than so much is replaced: it forgets nothing by itself. */
const maxContents = 128

type RunMessage = Extract<ToWorker, { type: "run" }>

export class Environment {
  readonly name: string
  readonly #options: EnvironmentOptions
  readonly #contents: Contents
  #thread: TaskThread
  #initMs: number | undefined

  constructor(options: EnvironmentOptions) {
    this.name = options.name
    this.#options = options
    this.#contents = new Contents(options.cacheFolder)
    this.#thread = this.#start()
    this.#initMs = Math.round(process.uptime() * 1000)
  }

  /** Runs the tasks of a call. Never rejects. */
  async run(event: InvocationEvent, call: Call): Promise<InvocationEnd> {
    const beganAt = performance.now()
    const initMs = this.#initMs
    this.#initMs = undefined
    let outcome: Outcome
    try {
      outcome = await this.#outcome(event, call)
    } catch (error) {
      outcome = { kind: "refused", problem: error instanceof Error ? error.message : String(error) }
    }
    const durationMs = Math.ceil(performance.now() - beganAt)
    return { initMs, durationMs, outcome }
  }

  async #outcome(event: InvocationEvent, call: Call): Promise<Outcome> {
    const sent = await readEvent(event)
    const missing = this.#take(event, sent)
    if (missing.length > 0) return { kind: "missing", keys: missing }
    const run = sent.find((sending) => sending.message.type === "run")
    if (run === undefined) throw new TypeError("The call has no tasks.")
    if (this.#thread.contents.size > maxContents) this.#replace()
    const thread = this.#thread
    for (const key of event.needs) {
      if (thread.contents.has(key)) continue
      const content = this.#contents.get(key) ?? (await this.#contents.fetch(key, event))
      thread.give(key, content)
    }
    return this.#attend(thread, run, event, call)
  }

  /** Keeps what came with the call. Returns what is still missing. */
  #take({ needs, contentsAt = {} }: InvocationEvent, sent: readonly Sending[]): ContentKey[] {
    for (const sending of sent) {
      const key = contentKey(sending)
      if (key !== undefined) this.#contents.keep(key, sending)
    }
    return needs.filter(
      (key) => !this.#thread.contents.has(key) && !this.#contents.has(key) && contentsAt[key] === undefined,
    )
  }

  async #attend(
    thread: TaskThread,
    { message, parts }: Sending,
    { timeoutMs, jobId }: InvocationEvent,
    call: Call,
  ): Promise<Outcome> {
    const totalMs = call.remainingMs()
    const base = thread.nextPosition
    const ended = thread.run(message as RunMessage, parts, jobId, call.tell)
    const deadlineMs = totalMs - Math.min(reserveMs, totalMs / 10)
    const watch = watchFor(thread, {
      ...{ timeoutMs, deadlineMs, signal: call.signal },
      maxBytes: maxBytesOf(this.#options.memoryMiB),
    })
    const first = await Promise.race([ended, watch.promise])
    watch.stop()
    if (first.kind === "ran") return first
    if (first.kind === "lost") {
      this.#replace()
      const { position, reason } = first
      return { kind: "lost", reason, ...(position !== undefined && { offset: position - base }) }
    }
    const { busy, position, startedAtMs } = thread.closeTicket()
    const offset = position - base
    if (first.kind === "full") {
      this.#replace()
      return { kind: "lost", reason: "ran out of memory", ...(busy && { offset }) }
    }
    const isLate = first.kind === "late"
    // What was late has just ended, and none has begun since: the host takes the others as not begun.
    if (!busy && isLate) return { kind: "timedOut", offset, startedAtMs: Date.now(), limit: first.limit }
    thread.abort(position, isLate ? "timedOut" : "cancelled")
    const gone = await Promise.race([ended, thread.resting(Math.min(graceMs, call.remainingMs() / 2))])
    if (gone !== "resting") this.#replace()
    return isLate
      ? { kind: "timedOut", offset, startedAtMs, limit: first.limit }
      : { kind: "lost", reason: "was cancelled" }
  }

  #start(): TaskThread {
    const { threadFile, heapMiB, cacheFolder } = this.#options
    return new TaskThread(threadFile, { heapMiB, cacheFolder })
  }

  #replace(): void {
    this.#thread.terminate()
    this.#thread = this.#start()
  }
}
