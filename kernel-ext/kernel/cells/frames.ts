import { fileURLToPath } from "node:url"
import { codeFrame, colour } from "./code-frame.ts"
import type { Position, Scripts } from "./scripts.ts"

/** Stack frames as the user meets them: on the lines of what was typed, without Node's frames and ours. */

const MAX_FRAMES = 30

/** The stack of an error as text, on the lines of what the user wrote. */
export function mappedStack(stack: string, scripts: Scripts): string {
  const lines: string[] = []
  let frames: string[] = []
  for (const line of [...stack.split("\n"), undefined]) {
    if (line !== undefined && isFrame(line)) {
      frames.push(line)
      continue
    }
    lines.push(...mapFrames(frames, scripts).map(({ plain }) => plain), ...(line === undefined ? [] : [line]))
    frames = []
  }
  return lines.join("\n")
}

export interface Frame {
  readonly text: string
  readonly plain: string
  readonly source?: { readonly text: string; readonly line: number; readonly column: number }
}

export function framesOf(error: Error, scripts: Scripts): Frame[] {
  const stack = typeof error.stack === "string" ? error.stack : ""
  const afterMessage = stack.includes(error.message)
    ? stack.slice(stack.indexOf(error.message) + error.message.length)
    : stack
  return mapFrames(afterMessage.split("\n").filter(isFrame), scripts).slice(0, MAX_FRAMES)
}

/** The frames that are shown. A builtin (`at Array.map (<anonymous>)`) is where the frame that called it is. */
function mapFrames(lines: readonly string[], scripts: Scripts): Frame[] {
  const shown: Frame[] = []
  let builtins: Frame[] = []
  for (const line of lines) {
    if (/<anonymous>\)?$/.test(line)) {
      builtins.push({ text: line, plain: line })
      continue
    }
    const frame = mapFrame(line, scripts)
    if (frame !== undefined) shown.push(...builtins, frame)
    builtins = []
  }
  return shown
}

/** The code around the topmost frame that is the user's; nothing where `told` has that place already. */
export function frameAt(frames: readonly Frame[], told: Set<string>): string[] {
  const frame = frames.find(({ source }) => source !== undefined && source.text !== "")
  const place = frame?.plain.replace(/^.*[ (]/, "")
  if (frame?.source === undefined || place === undefined || told.has(place)) return []
  told.add(place)
  const { text, line, column } = frame.source
  return ["", codeFrame(text, line, column)]
}

function isFrame(line: string): boolean {
  return /^\s+at /.test(line)
}

/** One frame as it is shown; undefined where it is Node's or ours. */
function mapFrame(line: string, scripts: Scripts): Frame | undefined {
  const match = /^\s+at (?:(.*?) \(|(async) )?(.+?):(\d+):(\d+)\)?$/.exec(line)
  if (match === null) return undefined
  const [, name = "", awaited = "", file = "", lineText, columnText] = match
  if (/^(?:node:|cellfan:)/.test(file)) return undefined
  const path = file.startsWith("file:") ? fileURLToPath(file) : file
  const place = scripts.locate(path, Number(lineText), Number(columnText) - 1)
  if (place === undefined) {
    const typed = scripts.textOf(path)
    // Told as the user wrote it already; see stacks.ts.
    const source = typed && { text: typed, line: Number(lineText), column: Number(columnText) - 1 }
    if (isOurs(path) || scripts.isScript(path)) return undefined
    const text = withOrigin(line, scripts)
    return { text, plain: text, ...(source && { source }) }
  }
  const at = placeText(place)
  const caller = name.replace(/__cell\b/g, "").replace(/^Object\.<anonymous>$/, "")
  const write = (shown: string) =>
    `    at ${caller === "" ? `${awaited} ${shown}`.trim() : `${caller} (${shown})`}`
  return { text: write(colour.bold(at)), plain: write(at), source: place }
}

/** Code made from text is where that was evaluated: `eval at f (file:1:2)`. */
function withOrigin(line: string, scripts: Scripts): string {
  return line.replace(/\(([^()]+):(\d+):(\d+)\), </g, (all, file, row, column) => {
    const place = mappedPosition(scripts, file, Number(row), Number(column) - 1)
    return place === undefined ? all : `(${place}), <`
  })
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

/** Whether code is the kernel's own: a path, or the URL of a module. */
export function isOurFile(file: string): boolean {
  return isOurs(file.startsWith("file:") ? fileURLToPath(file) : file)
}

function isOurs(path: string): boolean {
  return path.startsWith(root) || /\/node_modules\/(?:tslab|typescript)\//.test(path)
}
