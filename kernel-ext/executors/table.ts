import {
  nextState,
  StateCode,
  type TaskEvent,
  type TaskState,
  taskEvents,
  taskStates,
} from "../protocol/task.ts"

/** `nextState` by event and code, looked up once for each task of a job; `none` where there is no such edge. */
const none = 255
const nextCode = Object.fromEntries(
  taskEvents.map((event) => [
    event,
    Uint8Array.from(taskStates, (from) => {
      const to = nextState(from, event)
      return to === undefined ? none : StateCode[to]
    }),
  ]),
) as Readonly<Record<TaskEvent, Uint8Array>>

/** What arrays are before there are tasks: one for all jobs. */
const bytes = new Uint8Array(0)
const shorts = new Uint16Array(0)
const floats = new Float32Array(0)
const doubles = new Float64Array(0)

/**
 * What is known of each task, in typed arrays: a million tasks are some sixty megabytes and no objects. The arrays grow as
 * inputs are read. Times are in milliseconds since 1970; 0 stands for what is not known.
 */
export class TaskTable {
  size = 0
  readonly counts: Record<TaskState, number> = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }
  states = bytes
  attempts = shorts
  /** Worker deaths that were laid to the task. */
  losses = bytes
  /** When its present attempt was queued. */
  queuedAtMs = doubles
  startedAtMs = doubles
  endedAtMs = doubles
  cpuMs = floats
  peakMemoryBytes = doubles
  bytesIn = doubles
  bytesOut = doubles
  /** One more than the worker's place in `workerNames`; 0 before any. */
  workers = shorts
  readonly workerNames: string[] = []
  readonly #workerNumbers = new Map<string, number>()

  /** Adds tasks up to `size`, queued and never run. */
  grow(size: number): void {
    if (size > this.states.length) this.#reserve(Math.max(size, 2 * this.states.length))
    this.attempts.fill(1, this.size, size)
    this.queuedAtMs.fill(Date.now(), this.size, size)
    this.counts.queued += size - this.size
    this.size = size
  }

  /** Exactly as many as will be needed, where that is known. */
  reserve(size: number): void {
    if (size > this.states.length) this.#reserve(size)
  }

  stateOf(index: number): TaskState {
    return taskStates[this.states[index] ?? 0] ?? "queued"
  }

  /** Only here do states change. False where the event has no meaning: the task is as it was. */
  move(index: number, event: TaskEvent): boolean {
    if (index >= this.size) return false
    const from = this.states[index] ?? none
    const to = nextCode[event][from] ?? none
    if (to === none) return false
    this.counts[taskStates[from] as TaskState]--
    this.counts[taskStates[to] as TaskState]++
    this.states[index] = to
    return true
  }

  workerOf(index: number): string | undefined {
    return this.workerNames[(this.workers[index] ?? 0) - 1]
  }

  setWorker(index: number, name: string): void {
    this.workers[index] = this.numberOf(name)
  }

  numberOf(name: string): number {
    let number = this.#workerNumbers.get(name)
    if (number === undefined) {
      number = Math.min(this.workerNames.push(name), 0xffff)
      this.#workerNumbers.set(name, number)
    }
    return number
  }

  measure(index: number, cpuMs: number, peakMemoryBytes: number): void {
    if (index >= this.size) return
    this.cpuMs[index] = cpuMs
    this.peakMemoryBytes[index] = peakMemoryBytes
  }

  isSettled(index: number): boolean {
    return (this.states[index] ?? 0) >= StateCode.done
  }

  #reserve(capacity: number): void {
    this.states = enlarged(this.states, new Uint8Array(capacity))
    this.attempts = enlarged(this.attempts, new Uint16Array(capacity))
    this.losses = enlarged(this.losses, new Uint8Array(capacity))
    this.queuedAtMs = enlarged(this.queuedAtMs, new Float64Array(capacity))
    this.startedAtMs = enlarged(this.startedAtMs, new Float64Array(capacity))
    this.endedAtMs = enlarged(this.endedAtMs, new Float64Array(capacity))
    this.cpuMs = enlarged(this.cpuMs, new Float32Array(capacity))
    this.peakMemoryBytes = enlarged(this.peakMemoryBytes, new Float64Array(capacity))
    this.bytesIn = enlarged(this.bytesIn, new Float64Array(capacity))
    this.bytesOut = enlarged(this.bytesOut, new Float64Array(capacity))
    this.workers = enlarged(this.workers, new Uint16Array(capacity))
  }
}

function enlarged<T extends { set(source: T): void }>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
