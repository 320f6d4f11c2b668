import type { TaskEnd } from "../backends/backend.ts"
import type { Captured } from "../capture/types.ts"
import { CancelledError, TaskError, type TaskErrorDetails, TimeoutError, WorkerLostError } from "../errors.ts"

/** Why a task failed: told by its worker, or an error of this side (its input could not be sent, say). */
export type Failure =
  | { readonly from: "worker"; readonly end: TaskEnd; readonly attempt: number }
  | { readonly from: "here"; readonly error: Error }

export interface FailureContext {
  readonly captured: Captured
  readonly index: number
  readonly timeoutMs: number | undefined
  readonly logs: TaskErrorDetails["logs"]
}

/** The error that a user meets. Made when someone looks: a hundred thousand failed tasks are not that many stacks. */
export function errorOf(failure: Failure, context: FailureContext): Error {
  if (failure.from === "here") return failure.error
  const { end, attempt } = failure
  const { index, logs, captured } = context
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
      const limit = `ran longer than ${context.timeoutMs} ms`
      const details = { index, attempt, worker, logs, remoteName: "TimeoutError", remoteMessage: limit }
      const text = `Task ${index} ${limit}${tries} and was ended.`
      return new TimeoutError(text, details, { stack: `TimeoutError: ${text}` })
    }
  }
}

export function cancelledError(index: number): CancelledError {
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
