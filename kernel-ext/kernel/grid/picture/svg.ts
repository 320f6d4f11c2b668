import { runEnd } from "../../../protocol/job-states.ts"
import type { JobSummary } from "../../../protocol/job-view.ts"
import { jobSentence } from "../../../protocol/job-words.ts"
import { StateCode, type TaskState, taskStates } from "../../../protocol/task.ts"
import {
  barHeight,
  barTop,
  gridTop,
  lineHeight,
  markSide,
  type PicturePlan,
  pictureWidth,
  queuedOpacity,
  quietColor,
  type SquarePlan,
  stateColors,
} from "./plan.ts"
import { squaresPng } from "./png.ts"

/**
 * The picture as SVG. Runs of equal tasks are one line, dashed into squares, or one rectangle where squares are too small for gaps:
 * a quiet job of 100,000 tasks takes a few kilobytes. States too mixed for that are an image within the picture, a pixel a task.
 * Everything is an attribute of its element: what cleans foreign SVG takes away styles, ids and what refers to them.
 */

/** More than this many characters of paths, and an image is smaller. */
const mostPathChars = 40_000
/** Smaller squares have no gaps between them. */
const leastGapPitch = 4
const leastCrossPitch = 8

export function svgOf(plan: PicturePlan, job: JobSummary, nowMs: number): string {
  const { height, squares } = plan
  const failureTop = height - 8 - plan.failures.length * lineHeight
  const words = plan.failures.map((line, at) =>
    text(failureTop + 14 + at * lineHeight, stateColors.failed, escapeXml(cut(line, 98)), {
      mono: true,
    }),
  )
  const name = `<tspan font-weight="600">${escapeXml(cut(plan.name, 40))}</tspan>`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${pictureWidth}" height="${height}" viewBox="0 0 ${pictureWidth} ${height}" role="img" font-family="system-ui,sans-serif" font-size="13">`,
    `<title>${escapeXml(jobSentence(job, nowMs))}</title>`,
    text(14, quietColor, `${name} · ${escapeXml(plan.counts)}`),
    text(33, quietColor, escapeXml(plan.place)),
    ...plan.bar.map(
      ({ state, x, width }) =>
        `<rect x="${round(x)}" y="${barTop}" width="${round(width)}" height="${barHeight}" ${fill(state)}/>`,
    ),
    `<g transform="translate(0 ${gridTop}) scale(${squares.pitch})">${grid(squares)}${marks(squares)}</g>`,
    ...words,
    "</svg>",
  ].join("")
}

function text(y: number, color: string, content: string, { mono = false } = {}): string {
  const font = mono ? ` font-family="ui-monospace,monospace" font-size="12"` : ""
  return `<text x="0" y="${y}" fill="${color}"${font}>${content}</text>`
}

function grid(squares: SquarePlan): string {
  // A run takes 8 to 20 characters.
  const paths = hasMoreRuns(squares.codes, mostPathChars / 8) ? undefined : drawRuns(squares)
  if (paths !== undefined && paths.length <= mostPathChars) return paths
  const { columns, rows } = squares
  const image = squaresPng(squares).toString("base64")
  return `<image width="${columns}" height="${rows}" preserveAspectRatio="none" image-rendering="pixelated" href="data:image/png;base64,${image}"/>`
}

function hasMoreRuns(codes: Uint8Array, most: number): boolean {
  let runs = 0
  for (let at = 0; at < codes.length && runs <= most; at = runEnd(codes, at, codes.length)) runs++
  return runs > most
}

function drawRuns(squares: SquarePlan): string {
  const { codes, columns, pitch } = squares
  const gaps = pitch >= leastGapPitch
  const pens = taskStates.map(() => new Pen())
  const crosses = new Pen()
  for (let from = 0; from < codes.length; ) {
    const code = codes[from] ?? 0
    const to = runEnd(codes, from, codes.length)
    const pen = pens[code]
    for (const { column, row, width, height } of pen === undefined ? [] : blocks(from, to, columns)) {
      if (!gaps) pen?.rectangle(column, row, width, height)
      else for (let line = row; line < row + height; line++) pen?.line(column, line, width)
    }
    if (code === StateCode.failed && pitch >= leastCrossPitch)
      for (let at = from; at < to; at++) crosses.cross(at % columns, Math.floor(at / columns))
    from = to
  }
  const side = round(1 - 1 / pitch)
  const paths = taskStates.map((state, code) => {
    const path = pens[code]?.path ?? ""
    if (path === "") return ""
    if (!gaps) return `<path ${fill(state)} d="${path}"/>`
    const faint = state === "queued" ? ` stroke-opacity="${queuedOpacity}"` : ""
    return `<path fill="none" stroke="${stateColors[state]}"${faint} stroke-width="${side}" stroke-dasharray="${side} ${round(1 - side)}" d="${path}"/>`
  })
  const signs =
    crosses.path === "" ? "" : `<path stroke="#fff" stroke-width=".12" fill="none" d="${crosses.path}"/>`
  return paths.join("") + signs
}

/** A run over several rows is up to three rectangles. */
function* blocks(from: number, to: number, columns: number) {
  let row = Math.floor(from / columns)
  let column = from % columns
  for (let left = to - from; left > 0; ) {
    const whole = column === 0 ? Math.floor(left / columns) : 0
    const width = whole > 0 ? columns : Math.min(left, columns - column)
    const height = Math.max(1, whole)
    yield { column, row, width, height }
    left -= width * height
    row += height
    column = 0
  }
}

/** Where squares are small, what failed is drawn again, larger than its square. */
function marks({ marked, columns, pitch }: SquarePlan): string {
  if (marked.length === 0) return ""
  const side = markSide / pitch
  const pen = new Pen()
  for (const square of marked) {
    const x = (square % columns) + 0.5 - side / 2
    const y = Math.floor(square / columns) + 0.5 - side / 2
    pen.rectangle(round(x), round(y), round(side), round(side))
  }
  return `<path fill="${stateColors.failed}" stroke="#fff" stroke-width="${round(0.6 / pitch)}" d="${pen.path}"/>`
}

/** Writes relative to where it was: shorter than absolute positions. */
class Pen {
  path = ""
  #x = 0
  #y = 0

  rectangle(x: number, y: number, width: number, height: number): void {
    this.#move(x, y)
    this.path += `h${width}v${height}h${-width}z`
  }

  /** Through the middle of squares, without the gap after the last of them. */
  line(column: number, row: number, squares: number): void {
    this.#move(column, row + 0.5)
    this.path += `h${squares}`
    this.#x += squares
  }

  cross(column: number, row: number): void {
    this.#move(column + 0.28, row + 0.32)
    this.path += "l.32.32m0-.32l-.32.32"
    this.#y += 0.32
  }

  #move(x: number, y: number): void {
    this.path += `m${round(x - this.#x)} ${round(y - this.#y)}`
    this.#x = x
    this.#y = y
  }
}

function fill(state: TaskState): string {
  const faint = state === "queued" ? ` fill-opacity="${queuedOpacity}"` : ""
  return `fill="${stateColors[state]}"${faint}`
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function cut(words: string, length: number): string {
  return words.length <= length ? words : `${words.slice(0, length - 1)}…`
}

/** Control characters are dropped: XML takes most of them not even escaped. */
function escapeXml(words: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
  return words.replace(/\p{Cc}/gu, " ").replace(/[&<>"]/g, (c) => entities[c] ?? c)
}
