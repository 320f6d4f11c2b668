import type { ContentKey, InvocationEnd, InvocationEvent, Outcome, Said } from "../../protocol/invocation.ts"
import { contentKey } from "../../protocol/invocation.ts"
import type { Sending, ToWorker } from "../../protocol/worker.ts"
import { Contents } from "./contents.ts"
import { readEvent } from "./event.ts"
import { TaskThread } from "./task-thread.ts"

/**
 * One instance of a serverless function: it runs the tasks of one call at a time, in a thread of its own. Whatever they do
 * to that thread, the instance lives, names the task, and has the next call find a new thread.
 *
 *     environment.ts   a call: what it needs, what became of its tasks
 *     event.ts         what the host sent, also by way of storage
 *     contents.ts      what is kept for further calls: in the folder for temporary files
 *     task-thread.ts   the thread, as seen from outside; thread.ts from inside
 *     answer.ts        an answer as one value, or by way of storage
 */

export interface EnvironmentOptions {
  readonly name: string
  /** The file that the thread runs: `runThread()` of thread.ts. */
  readonly threadFile: URL
  /** Folder for what is kept. */
  readonly cacheFolder: string
  /** Heap of the thread. */
  readonly heapMiB: number
}

/** What surrounds a call. */
export interface Call {
  /** How long the function may still run. */
  remainingMs(): number
  /** Hears what comes of the tasks, as it does. */
  tell(said: Said): void
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
    const late = watchFor(thread, { timeoutMs, deadlineMs: totalMs - Math.min(reserveMs, totalMs / 10) })
    const first = await Promise.race([ended, late.promise])
    late.stop()
    if (first.kind === "ran") return first
    if (first.kind === "lost") {
      this.#replace()
      const { position, reason } = first
      return { kind: "lost", reason, ...(position !== undefined && { offset: position - base }) }
    }
    const { busy, position, startedAtMs } = thread.closeTicket()
    // What was late has just ended, and none has begun since: the host takes the others as not begun.
    const offset = position - base
    if (!busy) return { kind: "timedOut", offset, startedAtMs: Date.now(), limit: first.limit }
    thread.abort(position)
    const gone = await Promise.race([ended, thread.resting(Math.min(graceMs, call.remainingMs() / 2))])
    if (gone !== "resting") this.#replace()
    return { kind: "timedOut", offset, startedAtMs, limit: first.limit }
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

type Late = { readonly kind: "late"; readonly limit: "task" | "function" }

/** Tells when the running task has taken too long, or the function's time is nearly up. */
function watchFor(
  thread: TaskThread,
  { timeoutMs, deadlineMs }: { timeoutMs: number | undefined; deadlineMs: number },
): { promise: Promise<Late>; stop(): void } {
  const timers: NodeJS.Timeout[] = []
  const promise = new Promise<Late>((resolve) => {
    timers.push(setTimeout(() => resolve({ kind: "late", limit: "function" }), deadlineMs))
    if (timeoutMs === undefined) return
    const lookEveryMs = Math.min(100, Math.max(5, timeoutMs / 10))
    const look = () => {
      if (thread.runningMs() > timeoutMs) resolve({ kind: "late", limit: "task" })
    }
    timers.push(setInterval(look, lookEveryMs))
  })
  return { promise, stop: () => timers.forEach(clearTimeout) }
}
