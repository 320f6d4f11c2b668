import type { JobSummary } from "../../protocol/job-view.ts"
import { formatCount, jobSentence, placeWords } from "../../protocol/job-words.ts"
import { StateCode, type TaskState, taskStates } from "../../protocol/task.ts"

/**
 * A job as SVG, for wherever no extension draws it: nbviewer, GitHub, nbconvert, other front ends. Runs of equal tasks
 * are one path, filled with a pattern of squares, so a quiet job of 100,000 tasks takes a few kilobytes; where the
 * states are too mixed for the limit, a square stands for several tasks and shows the most urgent state among them.
 */

const width = 720
const gridHeight = 300
const headHeight = 44
const lineHeight = 17
const failuresShown = 3
const limitBytes = 90_000

/** Readable on white and on black, apart for colour-blind eyes; queued is faint by its opacity. */
const colors: Readonly<Record<TaskState, string>> = {
  queued: "#8b95a1",
  running: "#3aa0e3",
  done: "#00996b",
  failed: "#e0500a",
  cancelled: "#9a78b8",
}

/** Which state a square of several tasks shows: the first of these that occurs in it. */
const urgency: readonly TaskState[] = ["failed", "running", "cancelled", "queued", "done"]

export function jobPicture(job: JobSummary, states: Uint8Array, nowMs: number): string {
  for (let share = 1; ; share *= 2) {
    const picture = draw(job, share === 1 ? states : aggregate(states, job.size, share), nowMs, share)
    if (picture.length <= limitBytes || share >= job.size) return picture
  }
}

function aggregate(states: Uint8Array, size: number, share: number): Uint8Array {
  const rank = taskStates.map((state) => urgency.indexOf(state))
  const squares = new Uint8Array(Math.ceil(size / share))
  for (let square = 0; square < squares.length; square++) {
    let best = StateCode.done as number
    for (let index = square * share; index < Math.min(size, (square + 1) * share); index++) {
      const code = states[index] ?? 0
      if ((rank[code] ?? 9) < (rank[best] ?? 9)) best = code
    }
    squares[square] = best
  }
  return squares
}

function draw(job: JobSummary, squares: Uint8Array, nowMs: number, share: number): string {
  const size = Math.ceil(job.size / share)
  const { pitch, columns, rows } = layout(size)
  const gridBottom = headHeight + Math.max(1, rows) * pitch + 2
  const { lines, height: wordsHeight } = failureLines(job, gridBottom)
  const height = gridBottom + wordsHeight
  const key = `cellfan-${job.id.replace(/[^\w-]/g, "")}`
  const runs = runsByState(squares, size, columns)
  const patterns: string[] = []
  const paths: string[] = []
  for (const state of taskStates) {
    const path = runs[StateCode[state]]
    if (path === undefined || path === "") continue
    patterns.push(pattern(`${key}-${state}`, state, pitch))
    paths.push(`<path fill="url(#${key}-${state})" d="${path}"/>`)
  }
  const sentence = jobSentence(job, nowMs)
  const note = share === 1 ? "" : ` · a square stands for ${formatCount(share)} tasks`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui,sans-serif" font-size="13">`,
    `<title>${escapeXml(sentence)}</title>`,
    `<text x="0" y="15" fill="#737b85"><tspan font-weight="600">${escapeXml(cut(job.name, 40))}</tspan>`,
    `<tspan> · ${escapeXml(`${placeWords(job)} · ${sentence.slice(job.name.length + 2)}`)}${note}</tspan></text>`,
    bar(job),
    `<defs>${patterns.join("")}</defs>`,
    `<g transform="translate(0 ${headHeight}) scale(${pitch})">${paths.join("")}${marks(squares, size, columns, pitch)}</g>`,
    ...lines,
    "</svg>",
  ].join("")
}

/** Why it failed, as far as a few lines can say: whoever sees only the picture has no other way to know. */
function failureLines(job: JobSummary, top: number): { lines: string[]; height: number } {
  const shown = job.failures.slice(0, failuresShown)
  const words = shown.map(
    ({ index, name, message }) => `task ${index}: ${name}: ${message.split("\n", 1)[0]}`,
  )
  const more = job.counts.failed - shown.length
  if (more > 0) words.push(`and ${formatCount(more)} more`)
  const lines = words.map(
    (line, at) =>
      `<text x="0" y="${top + 16 + at * lineHeight}" font-family="ui-monospace,monospace" font-size="12" fill="${colors.failed}">${escapeXml(cut(line, 98))}</text>`,
  )
  return { lines, height: lines.length === 0 ? 0 : lines.length * lineHeight + 8 }
}

/** The largest squares that fit; one pixel at the least, then the picture grows. */
function layout(size: number): { pitch: number; columns: number; rows: number } {
  for (let pitch = 16; ; pitch--) {
    const columns = Math.floor(width / pitch)
    const rows = Math.ceil(size / columns)
    if (pitch === 1 || rows * pitch <= gridHeight) return { pitch, columns, rows }
  }
}

/** Squares with gaps between them; solid where a gap would be most of the square. */
function pattern(id: string, state: TaskState, pitch: number): string {
  const side = pitch >= 4 ? 1 - 1 / pitch : 1
  const corner = pitch >= 8 ? ' rx=".14"' : ""
  const faint = state === "queued" ? ' fill-opacity=".35"' : ""
  const square = `<rect width="${round(side)}" height="${round(side)}"${corner} fill="${colors[state]}"${faint}/>`
  const cross =
    state === "failed" && pitch >= 8
      ? `<path d="M.28.28l.38.38m0-.38l-.38.38" stroke="#fff" stroke-width=".12" stroke-linecap="round"/>`
      : ""
  return `<pattern id="${id}" width="1" height="1" patternUnits="userSpaceOnUse">${square}${cross}</pattern>`
}

/** One path a state; a run over several rows is up to three rectangles. */
function runsByState(squares: Uint8Array, size: number, columns: number): string[] {
  const pens = taskStates.map(() => new Pen())
  for (let from = 0; from < size; ) {
    const code = squares[from] ?? 0
    let to = from + 1
    while (to < size && squares[to] === code) to++
    const pen = pens[code]
    let row = Math.floor(from / columns)
    let start = from % columns
    let left = to - from
    while (left > 0 && pen !== undefined) {
      const whole = start === 0 ? Math.floor(left / columns) : 0
      const length = whole > 0 ? columns : Math.min(left, columns - start)
      const height = Math.max(1, whole)
      pen.rectangle(start, row, length, height)
      left -= length * height
      row += height
      start = 0
    }
    from = to
  }
  return pens.map((pen) => pen.path)
}

/** Where squares are small, what failed is drawn again, larger than its square. */
function marks(squares: Uint8Array, size: number, columns: number, pitch: number): string {
  if (pitch >= 5) return ""
  const side = 5 / pitch
  const pen = new Pen()
  let drawn = 0
  for (let index = squares.indexOf(StateCode.failed); index >= 0 && index < size && drawn < 1500; drawn++) {
    const column = index % columns
    const row = Math.floor(index / columns)
    pen.rectangle(round(column + 0.5 - side / 2), round(row + 0.5 - side / 2), round(side), round(side))
    index = squares.indexOf(StateCode.failed, index + 1)
  }
  return drawn === 0
    ? ""
    : `<path fill="${colors.failed}" stroke="#fff" stroke-width="${round(0.6 / pitch)}" d="${pen.path}"/>`
}

/** How much is done, failed, …, as one bar under the words; what failed is seen, however few. */
function bar(job: JobSummary): string {
  const shown = (["done", "failed", "cancelled", "running", "queued"] as const).filter(
    (state) => job.counts[state] > 0,
  )
  const wanted = shown.map((state) =>
    Math.max(state === "failed" ? 4 : 0, (job.counts[state] / job.size) * width),
  )
  const scale = width / wanted.reduce((sum, length) => sum + length, 0)
  let x = 0
  const parts = shown.map((state, at) => {
    const length = (wanted[at] ?? 0) * scale
    const faint = state === "queued" ? ' fill-opacity=".35"' : ""
    const part = `<rect x="${round(x)}" y="25" width="${round(length)}" height="6" fill="${colors[state]}"${faint}/>`
    x += length
    return part
  })
  return parts.join("")
}

/** Writes rectangles relative to each other: shorter than absolute positions. */
class Pen {
  path = ""
  #x = 0
  #y = 0

  rectangle(x: number, y: number, width: number, height: number): void {
    const to = `${round(x - this.#x)} ${round(y - this.#y)}`
    this.path += `m${to}h${width}v${height}h${-width}z`
    this.#x = x
    this.#y = y
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

/** Control characters are dropped: XML takes most of them not even escaped. */
function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" }
  return text.replace(/\p{Cc}/gu, " ").replace(/[&<>"]/g, (c) => entities[c] ?? c)
}
