import type { TaskEnd } from "../backends/backend.ts"
import type { Captured } from "../capture/types.ts"
import { CancelledError, TaskError, type TaskErrorDetails, TimeoutError, WorkerLostError } from "../errors.ts"
import type { TaskState } from "../protocol/task.ts"

/** Why a task failed: told by its worker, or an error of this side (its input could not be sent, say). */
export type Failure =
  | { readonly from: "worker"; readonly end: TaskEnd; readonly attempt: number }
  | { readonly from: "here"; readonly error: Error }

/** The failures of a job by task, and the errors made of them so far. */
export class Failures {
  readonly #failures = new Map<number, Failure>()
  readonly #errors = new Map<number, Error>()

  /** In the order of the inputs. */
  get indices(): number[] {
    return [...this.#failures.keys()].sort((a, b) => a - b)
  }

  add(index: number, failure: Failure): void {
    this.#failures.set(index, failure)
  }

  /** The task runs again. */
  forget(index: number): void {
    this.#failures.delete(index)
    this.#errors.delete(index)
  }

  /** The same error each time, so that it can be compared. */
  errorOf(index: number, state: TaskState, context: () => FailureContext): Error | undefined {
    const known = this.#errors.get(index)
    if (known !== undefined) return known
    const failure = this.#failures.get(index)
    const error =
      state === "cancelled" ? cancelledError(index) : failure && errorOf(failure, index, context())
    if (error !== undefined) this.#errors.set(index, error)
    return error
  }
}

export interface FailureContext {
  readonly captured: Captured
  readonly timeoutMs: number | undefined
  readonly logs: TaskErrorDetails["logs"]
}

/** The error that a user meets. Made when someone looks: a hundred thousand failed tasks are not that many stacks. */
function errorOf(failure: Failure, index: number, context: FailureContext): Error {
  if (failure.from === "here") return failure.error
  const { end, attempt } = failure
  const { logs, captured } = context
  const tries = attempt > 1 ? ` at attempt ${attempt}` : ""
  switch (end.kind) {
    case "threw": {
      const { name, message, worker } = end
      const details = { index, attempt, worker, logs, remoteName: name, remoteMessage: message }
      const text = `Task ${index} failed${tries}: ${name}: ${message}`
      const cause = decodeThrown(end, captured)
      return new TaskError(text, details, {
        stack: stackOf(text, end.stack, captured),
        ...(cause === undefined ? {} : { cause }),
      })
    }
    case "lost": {
      const { reason, worker } = end
      const details = { index, attempt, worker, logs, remoteName: "WorkerLostError", remoteMessage: reason }
      const text = `Task ${index} lost its worker${tries}: the process ${reason}.`
      return new WorkerLostError(text, details, { stack: `WorkerLostError: ${text}` })
    }
    case "timedOut": {
      const { worker } = end
      const limit = end.limit ?? `ran longer than ${context.timeoutMs} ms`
      const details = { index, attempt, worker, logs, remoteName: "TimeoutError", remoteMessage: limit }
      const text = `Task ${index} ${limit}${tries} and was ended.`
      return new TimeoutError(text, details, { stack: `TimeoutError: ${text}` })
    }
  }
}

function cancelledError(index: number): CancelledError {
  return new CancelledError(`Task ${index} was cancelled.`)
}

function decodeThrown(end: Extract<TaskEnd, { kind: "threw" }>, captured: Captured): unknown {
  if (end.error === undefined) return undefined
  try {
    const thrown = captured.codec.decode(end.error)
    mapStacks(thrown, captured)
    return thrown
  } catch {
    return undefined
  }
}

/** What was thrown and what caused it, on the cell's own lines. */
function mapStacks(thrown: unknown, captured: Captured): void {
  const seen = new Set<Error>()
  for (let one = thrown; one instanceof Error && !seen.has(one); one = one.cause) {
    seen.add(one)
    if (typeof one.stack === "string") one.stack = mapped(one.stack, captured)
  }
}

/** The remote frames under our own first line. */
function stackOf(header: string, remote: string, captured: Captured): string {
  const frames = mapped(remote, captured)
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
  return [header, ...frames].join("\n")
}

function mapped(stack: string, captured: Captured): string {
  try {
    return captured.mapStack(stack)
  } catch {
    return stack
  }
}
