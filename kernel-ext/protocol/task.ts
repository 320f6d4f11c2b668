/**
 * The life of a task: what every executor, worker and view agrees on.
 *
 *     queued ─start→ running ─succeed→ done
 *       ↑               ├────fail───→ failed ───┐
 *       │               ├───cancel──→ cancelled ┤
 *       └───────────────┴─retry─────────────────┘
 *
 * The first that is heard of a quick task may be how it ended: a queued one can succeed, fail and be retried as well.
 */

/** States in the order of their codes: a task's code is its state's index here. */
export const taskStates = ["queued", "running", "done", "failed", "cancelled"] as const

export type TaskState = (typeof taskStates)[number]

/** One byte a task, so that a hundred thousand states are a hundred kilobytes on the heap and on the wire. */
export const StateCode = { queued: 0, running: 1, done: 2, failed: 3, cancelled: 4 } as const

export type StateCode = (typeof StateCode)[TaskState]

export const taskEvents = ["start", "succeed", "fail", "cancel", "retry"] as const

export type TaskEvent = (typeof taskEvents)[number]

const edges: Readonly<Record<TaskState, Partial<Record<TaskEvent, TaskState>>>> = {
  queued: { start: "running", succeed: "done", fail: "failed", cancel: "cancelled", retry: "queued" },
  running: { succeed: "done", fail: "failed", cancel: "cancelled", retry: "queued" },
  done: {},
  failed: { retry: "queued" },
  cancelled: { retry: "queued" },
}

/**
 * The state that `event` leads to.
 *
 * @returns undefined where the event has no meaning in this state, for example an answer that comes after a
 * cancel: callers drop it.
 */
export function nextState(state: TaskState, event: TaskEvent): TaskState | undefined {
  return edges[state][event]
}

/** Whether nothing more happens to a task in this state unless someone retries it. */
export function isSettled(state: TaskState): boolean {
  return state === "done" || state === "failed" || state === "cancelled"
}
