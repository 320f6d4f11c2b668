import type { JobSummary } from "../../../protocol/job-view.ts"
import { formatCount, jobSentence, placeWords } from "../../../protocol/job-words.ts"
import { StateCode, type TaskState } from "../../../protocol/task.ts"

/** What a picture of a job shows and where, the same for the SVG and the PNG. Lengths are CSS pixels. */
export interface PicturePlan {
  readonly name: string
  /** What follows the name on the first line. */
  readonly counts: string
  readonly place: string
  /** The first failures, in words. */
  readonly failures: readonly string[]
  readonly squares: SquarePlan
  /** Parts of the bar, left to right. */
  readonly bar: readonly { readonly state: TaskState; readonly x: number; readonly width: number }[]
  readonly height: number
}

export interface SquarePlan {
  /** State codes, a square each. */
  readonly codes: Uint8Array
  /** Tasks a square stands for; it shows one of them. */
  readonly share: number
  readonly pitch: number
  readonly columns: number
  readonly rows: number
  /** Squares that are marked larger than they are, since they would not be seen. */
  readonly marked: readonly number[]
}

export const pictureWidth = 720
export const barTop = 43
export const barHeight = 6
export const gridTop = 60
export const lineHeight = 17
export const markSide = 5

const gridHeight = 300
const failuresShown = 3
/** What failed is marked while it is rare: marks that cover more of the grid than this would hide the rest of it. */
const mostMarkedShare = 0.2
const mostMarks = 1500

/** Readable on white and on black, apart for colour-blind eyes; queued is faint by its opacity. */
export const stateColors: Readonly<Record<TaskState, string>> = {
  queued: "#8b95a1",
  running: "#3aa0e3",
  done: "#00996b",
  failed: "#e0500a",
  cancelled: "#9a78b8",
}
export const queuedOpacity = 0.35
export const quietColor = "#737b85"

export function planPicture(job: JobSummary, states: Uint8Array, nowMs: number): PicturePlan {
  const squares = planSquares(states, job.size)
  const note = squares.share === 1 ? "" : ` · a square for every ${formatCount(squares.share)} tasks`
  const failures = failureWords(job)
  const gridBottom = gridTop + Math.max(1, squares.rows) * squares.pitch + 2
  return {
    name: job.name,
    counts: jobSentence(job, nowMs).slice(job.name.length + 2),
    place: placeWords(job) + note,
    failures,
    squares,
    bar: planBar(job),
    height: gridBottom + (failures.length === 0 ? 0 : failures.length * lineHeight + 8),
  }
}

function planSquares(states: Uint8Array, size: number): SquarePlan {
  const share = Math.max(1, Math.ceil(size / (pictureWidth * gridHeight)))
  const codes = share === 1 ? states.subarray(0, size) : sample(states, size, share)
  const { pitch, columns, rows } = largestFit(codes.length)
  const plan = { codes, share, pitch, columns, rows }
  return { ...plan, marked: pitch >= markSide ? [] : markedSquares(states, size, plan) }
}

/** One of the tasks that a square stands for, each time another of them: so shares of the states stay what they are. */
function sample(states: Uint8Array, size: number, share: number): Uint8Array {
  const codes = new Uint8Array(Math.ceil(size / share))
  for (let square = 0; square < codes.length; square++) {
    const first = square * share
    codes[square] = states[first + ((square * 7919) % Math.min(share, size - first))] ?? 0
  }
  return codes
}

/** The largest squares that fit; one pixel at the least. */
function largestFit(squares: number): { pitch: number; columns: number; rows: number } {
  for (let pitch = 16; ; pitch--) {
    const columns = Math.floor(pictureWidth / pitch)
    const rows = Math.ceil(squares / columns)
    if (pitch === 1 || rows * pitch <= gridHeight) return { pitch, columns, rows }
  }
}

function markedSquares(
  states: Uint8Array,
  size: number,
  { share, pitch, columns, rows }: Omit<SquarePlan, "marked">,
): number[] {
  const most = Math.min(mostMarks, (mostMarkedShare * columns * rows * pitch ** 2) / markSide ** 2)
  const marked: number[] = []
  for (
    let task = states.indexOf(StateCode.failed);
    task >= 0 && task < size;
    task = states.indexOf(StateCode.failed, task + 1)
  ) {
    marked.push(Math.floor(task / share))
    if (marked.length > most) return []
  }
  return marked
}

/** Why it failed, as far as a few lines can say: whoever sees only the picture has no other way to know. */
function failureWords(job: JobSummary): string[] {
  const shown = job.failures.slice(0, failuresShown)
  const words = shown.map(
    ({ index, name, message }) => `task ${index}: ${name}: ${message.split("\n", 1)[0]}`,
  )
  const more = job.counts.failed - shown.length
  return more > 0 ? [...words, `and ${formatCount(more)} more`] : words
}

/** How much is done, failed, …, under the words; what failed is seen, however little. */
function planBar(job: JobSummary): PicturePlan["bar"] {
  const shown = (["done", "failed", "cancelled", "running", "queued"] as const).filter(
    (state) => job.counts[state] > 0,
  )
  const wanted = shown.map((state) =>
    Math.max(state === "failed" ? 4 : 0, (job.counts[state] / job.size) * pictureWidth),
  )
  const scale = pictureWidth / wanted.reduce((sum, length) => sum + length, 0)
  let x = 0
  return shown.map((state, at) => {
    const part = { state, x, width: (wanted[at] ?? 0) * scale }
    x += part.width
    return part
  })
}
