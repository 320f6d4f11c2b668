import { inspect, types } from "node:util"
import type { CellError } from "../types.ts"
import { colour } from "./code-frame.ts"
import { type Frame, frameAt, framesOf } from "./frames.ts"
import type { Scripts } from "./scripts.ts"

/** What was thrown in a cell, told at the positions of what the user wrote. */

const MAX_RELATED = 5

/** Something thrown while a cell ran. */
export function fromThrown(thrown: unknown, scripts: Scripts): CellError {
  if (!isError(thrown)) {
    const message = inspect(thrown, { depth: 4 })
    return { name: "Uncaught", message, traceback: [`${colour.red("Uncaught")} ${message}`] }
  }
  const name = nameOf(thrown)
  const frames = framesOf(thrown, scripts)
  // Where hundreds of tasks fail at one line, its code is shown once.
  const told = new Set<string>()
  return {
    name,
    message: String(thrown.message),
    traceback: [
      `${colour.red(name)}: ${thrown.message}`,
      ...frames.map(({ text }) => text),
      ...frameAt(frames, told),
      ...related(thrown, scripts, told, 0),
    ],
  }
}

function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

function nameOf(error: Error): string {
  const own = typeof error.name === "string" && error.name !== "" ? error.name : "Error"
  const ofClass = (error.constructor as { name?: unknown } | undefined)?.name
  return own === "Error" && typeof ofClass === "string" && ofClass !== "" ? ofClass : own
}

/** What an error says beyond itself: properties such as `code`, its cause, the errors it stands for. */
function related(error: Error, scripts: Scripts, told: Set<string>, depth: number): string[] {
  const lines = properties(error)
  if (depth >= MAX_RELATED) return lines
  const { cause, errors } = error as { cause?: unknown; errors?: unknown }
  const members: readonly unknown[] = Array.isArray(errors) ? errors : []
  const tell = (what: string, one: unknown) =>
    lines.push("", `${colour.bold(`${what}:`)} ${headline(one)}`, ...below(one, scripts, told, depth))
  // An error may be a cause of itself.
  if (cause !== undefined && cause !== error && !members.includes(cause) && !isTold(cause, error, scripts))
    tell("Cause", cause)
  if (isSuppressed(error)) {
    tell("While it was disposed of", error.error)
    tell("After", error.suppressed)
  }
  for (const [index, one] of members.slice(0, MAX_RELATED).entries())
    lines.push(
      "",
      `${colour.bold(`Error ${index + 1} of ${members.length}:`)} ${headline(one)}`,
      ...below(one, scripts, told, depth),
    )
  if (members.length > MAX_RELATED) lines.push(`… and ${members.length - MAX_RELATED} more`)
  return lines
}

/** What `using` throws where the end of something fails, and what was thrown before is still on its way. */
function isSuppressed(error: Error): error is Error & { error: unknown; suppressed: unknown } {
  return error.name === "SuppressedError" && "error" in error && "suppressed" in error
}

function properties(error: Error): string[] {
  const told = ["stack", "message", "name", "cause", "errors"]
  if (isSuppressed(error)) told.push("error", "suppressed")
  const own = Object.entries(error).filter(([key]) => !told.includes(key))
  if (own.length === 0) return []
  return [inspect(Object.fromEntries(own), { depth: 2, breakLength: 100, maxStringLength: 1000 })]
}

/** Whether an error has said already all that its cause says: a failed task's error has the message and the stack of what was thrown. */
function isTold(cause: unknown, error: Error, scripts: Scripts): boolean {
  if (!isError(cause) || cause.cause !== undefined || properties(cause).length > 0) return false
  if ("errors" in cause || isSuppressed(cause)) return false
  if (!error.message.endsWith(`${nameOf(cause)}: ${cause.message}`)) return false
  const places = (frames: readonly Frame[]) => frames.map(({ plain }) => plain).join("\n")
  return places(framesOf(cause, scripts)) === places(framesOf(error, scripts))
}

function headline(value: unknown): string {
  return isError(value) ? `${colour.red(nameOf(value))}: ${value.message}` : inspect(value, { depth: 2 })
}

function below(value: unknown, scripts: Scripts, told: Set<string>, depth: number): string[] {
  if (!isError(value)) return []
  const frames = framesOf(value, scripts)
  return [
    ...frames.map(({ text }) => text),
    ...frameAt(frames, told),
    ...related(value, scripts, told, depth + 1),
  ]
}
