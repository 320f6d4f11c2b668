import { fileURLToPath } from "node:url"
import { inspect, types } from "node:util"
import type ts from "typescript"
import type { CellError, TypedSource } from "../types.ts"
import { codeFrame, colour } from "./code-frame.ts"
import { PREFIX } from "./prefix.ts"
import { type Position, positionAt, type Scripts } from "./scripts.ts"
import { typescript } from "./typescript.ts"

/** What went wrong in a cell, in the words and at the positions of what the user wrote. */

const MAX_DIAGNOSTICS = 10
const MAX_FRAMES = 30
const MAX_CAUSES = 5

/** A cell was stopped by the user. */
export function interrupted(): CellError {
  const message = "The cell was interrupted"
  return { name: "KeyboardInterrupt", message, traceback: [`${colour.red("KeyboardInterrupt")}: ${message}`] }
}

export function fromDiagnostics(
  diagnostics: readonly ts.Diagnostic[],
  typed: TypedSource,
  label: string,
): CellError {
  const shown = diagnostics.slice(0, MAX_DIAGNOSTICS).map((one) => describe(one, typed, label))
  const rest = diagnostics.length - shown.length
  const [first] = shown
  const isSyntax = diagnostics.every((one) => one.code < 2000)
  return {
    name: isSyntax ? "SyntaxError" : "TypeScriptError",
    message: `${first?.summary ?? ""}${diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : ""}`,
    traceback: [
      ...shown.map(({ text }) => text),
      ...(rest > 0 ? [`… and ${rest} more ${rest === 1 ? "error" : "errors"}`] : []),
    ],
  }
}

function describe(diagnostic: ts.Diagnostic, typed: TypedSource, label: string) {
  const message = typescript().flattenDiagnosticMessageText(diagnostic.messageText, "\n")
  const { file, start = 0, length = 1 } = diagnostic
  // tslab's line stands before cells, those that are modules among them, and before no file of the notebook's.
  const isCell = file === undefined || file.text.startsWith(PREFIX)
  const where = isCell ? typed.toTyped(Math.max(0, start - PREFIX.length)) : start
  const text = isCell ? typed.text : file.text
  const { line, column } = positionAt(text, Math.min(where, text.length))
  const place = `${isCell ? label : file.fileName}:${line}:${column + 1}`
  const code = `TS${diagnostic.code}`
  return {
    summary: `${code}: ${message.split("\n")[0]} (${place})`,
    text: `${colour.cyan(place)} - ${colour.red("error")} ${colour.grey(`${code}:`)} ${message}\n\n${codeFrame(text, line, column, length)}\n`,
  }
}

/** Something thrown while a cell ran. */
export function fromThrown(thrown: unknown, scripts: Scripts): CellError {
  if (!isError(thrown)) {
    const message = inspect(thrown, { depth: 4 })
    return { name: "Uncaught", message, traceback: [`${colour.red("Uncaught")} ${message}`] }
  }
  const name = nameOf(thrown)
  const frames = framesOf(thrown, scripts)
  return {
    name,
    message: String(thrown.message),
    traceback: [
      `${colour.red(name)}: ${thrown.message}`,
      ...frames.map(({ text }) => text),
      ...frameAt(frames),
      ...related(thrown, scripts, 0),
    ],
  }
}

/** The stack of an error as text, on the lines of what the user wrote. */
export function mappedStack(stack: string, scripts: Scripts): string {
  const lines = stack.split("\n")
  return lines
    .flatMap((line) => (isFrame(line) ? mapFrame(line, scripts).map(({ plain }) => plain) : [line]))
    .join("\n")
}

function isError(value: unknown): value is Error {
  return types.isNativeError(value) || value instanceof Error
}

function nameOf(error: Error): string {
  const own = typeof error.name === "string" && error.name !== "" ? error.name : "Error"
  const ofClass = (error.constructor as { name?: unknown } | undefined)?.name
  return own === "Error" && typeof ofClass === "string" && ofClass !== "" ? ofClass : own
}

/** What an error says beyond itself: its cause, the errors it stands for, and properties such as `code`. */
function related(error: Error, scripts: Scripts, depth: number): string[] {
  const lines: string[] = []
  const own = Object.entries(error).filter(
    ([key]) => !["stack", "message", "name", "cause", "errors"].includes(key),
  )
  if (own.length > 0)
    lines.push(inspect(Object.fromEntries(own), { depth: 2, breakLength: 100, maxStringLength: 1000 }))
  const { cause, errors } = error as { cause?: unknown; errors?: unknown }
  if (depth >= MAX_CAUSES) return lines
  if (cause !== undefined)
    lines.push("", `${colour.grey("Cause:")} ${headline(cause)}`, ...below(cause, scripts, depth))
  if (Array.isArray(errors)) {
    for (const [index, one] of errors.slice(0, MAX_CAUSES).entries())
      lines.push(
        "",
        `${colour.grey(`Error ${index + 1} of ${errors.length}:`)} ${headline(one)}`,
        ...below(one, scripts, depth),
      )
    if (errors.length > MAX_CAUSES) lines.push(`… and ${errors.length - MAX_CAUSES} more`)
  }
  return lines
}

function headline(value: unknown): string {
  return isError(value) ? `${colour.red(nameOf(value))}: ${value.message}` : inspect(value, { depth: 2 })
}

function below(value: unknown, scripts: Scripts, depth: number): string[] {
  if (!isError(value)) return []
  return [...framesOf(value, scripts).map(({ text }) => text), ...related(value, scripts, depth + 1)]
}

interface Frame {
  readonly text: string
  readonly plain: string
  readonly source?: { readonly text: string; readonly line: number; readonly column: number }
}

function framesOf(error: Error, scripts: Scripts): Frame[] {
  const stack = typeof error.stack === "string" ? error.stack : ""
  const afterMessage = stack.includes(error.message)
    ? stack.slice(stack.indexOf(error.message) + error.message.length)
    : stack
  const frames = afterMessage
    .split("\n")
    .filter(isFrame)
    .flatMap((line) => mapFrame(line, scripts))
  return frames.slice(0, MAX_FRAMES)
}

/** The code around the topmost frame that is the user's. */
function frameAt(frames: readonly Frame[]): string[] {
  const source = frames.find((frame) => frame.source !== undefined && frame.source.text !== "")?.source
  return source === undefined ? [] : ["", codeFrame(source.text, source.line, source.column)]
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line)
}

/** One frame as it is shown; none where it is Node's or ours. */
function mapFrame(line: string, scripts: Scripts): Frame[] {
  const match = /^\s+at (?:(.*?) \(|(async) )?(.+?):(\d+):(\d+)\)?$/.exec(line)
  if (match === null) return /<anonymous>/.test(line) ? [{ text: line, plain: line }] : []
  const [, name = "", awaited = "", file = "", lineText, columnText] = match
  if (/^(?:node:|cellfan:)/.test(file)) return []
  const path = file.startsWith("file:") ? fileURLToPath(file) : file
  const place = scripts.locate(path, Number(lineText), Number(columnText) - 1)
  if (place === undefined) {
    const text = scripts.textOf(path)
    // Told as the user wrote it already; see stacks.ts.
    const source =
      text === undefined ? undefined : { text, line: Number(lineText), column: Number(columnText) - 1 }
    return isOurs(path) || scripts.isScript(path)
      ? []
      : [{ text: line, plain: line, ...(source && { source }) }]
  }
  const at = placeText(place)
  const caller = name.replace(/__cell\b/g, "").replace(/^Object\.<anonymous>$/, "")
  const write = (shown: string) =>
    `    at ${caller === "" ? `${awaited} ${shown}`.trim() : `${caller} (${shown})`}`
  return [{ text: write(colour.cyan(at)), plain: write(at), source: place }]
}

function placeText({ label, line, column }: Position): string {
  return `${label}:${line}:${column + 1}`
}

/** "cell 3:12:5" for a position (line from 1, column from 0) in a script of ours. */
export function mappedPosition(
  scripts: Scripts,
  file: string,
  line: number,
  column: number,
): string | undefined {
  const place = scripts.locate(file, line, column)
  return place && placeText(place)
}

const here = fileURLToPath(import.meta.url)
/** Folder of the kernel's own code: `kernel-ext` of the repository, or `dist`. */
const root = here.replace(/^(.*\/(?:kernel-ext|dist)\/).*$/, "$1")

function isOurs(path: string): boolean {
  return path.startsWith(root) || /\/node_modules\/(?:tslab|typescript)\//.test(path)
}
