import type { JobView } from "../../executors/observe.ts"
import { diffStates } from "../../protocol/job-states.ts"
import type { ViewMessage } from "../../protocol/job-view.ts"
import { summarize } from "./bundle.ts"
import type { Pulse } from "./pulse.ts"

/**
 * The states of one job to all who watch it, at most ten times a second, as what changed since the last time. What
 * changed is found by comparing, not by listening task by task, so that a job without watchers costs nothing.
 */

const intervalMs = 100
/** Who has not said for this many patches that they arrive, is taken to be gone. */
const silentPatches = 300

export type Send = (message: ViewMessage, buffers?: readonly Uint8Array[]) => void

interface Watcher {
  readonly send: Send
  heard: number
}

export class JobFeed {
  readonly job: JobView
  readonly #watchers = new Map<Send, Watcher>()
  #sent: Uint8Array = new Uint8Array(0)
  #sequence = 0
  #timer: NodeJS.Timeout | undefined
  #lastSentMs = 0

  constructor(job: JobView, pulse: Pulse) {
    this.job = job
    pulse.listen(() => {
      if (this.#watchers.size > 0 && this.#timer === undefined) this.#schedule()
    })
  }

  /** Sends the full state, then patches until `unwatch`. Watching again starts over: that is a resync. */
  watch(send: Send): void {
    this.#flush()
    if (this.#watchers.size === 0) this.#remember()
    this.#watchers.set(send, { send, heard: this.#sequence })
    const job = summarize(this.job)
    send({ type: "full", sequence: this.#sequence, nowMs: Date.now(), job }, [
      this.#sent.subarray(0, job.size),
    ])
  }

  unwatch(send: Send): void {
    this.#watchers.delete(send)
  }

  received(send: Send, sequence: number): void {
    const watcher = this.#watchers.get(send)
    if (watcher !== undefined) watcher.heard = sequence
  }

  /** Tells every watcher what is not a matter of states, in order with the patches. */
  tell(message: ViewMessage): void {
    this.#flush()
    for (const { send } of this.#watchers.values()) send(message)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#watchers.clear()
  }

  #schedule(): void {
    const dueMs = Math.max(0, this.#lastSentMs + intervalMs - Date.now())
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#flush()
    }, dueMs).unref()
  }

  #flush(): void {
    if (this.#watchers.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = undefined
    const job = summarize(this.job)
    const patch = diffStates(this.#sent, this.job.states, job.size)
    this.#remember()
    this.#sequence++
    this.#lastSentMs = Date.now()
    const message: ViewMessage = { type: "patch", sequence: this.#sequence, nowMs: this.#lastSentMs, job }
    for (const watcher of this.#watchers.values()) {
      if (this.#sequence - watcher.heard > silentPatches) this.#watchers.delete(watcher.send)
      else watcher.send(message, patch === undefined ? [] : [patch])
    }
  }

  #remember(): void {
    this.#sent = Uint8Array.prototype.slice.call(this.job.states, 0, this.job.size)
  }
}
