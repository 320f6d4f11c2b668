/**
 * Where squares stand. All lengths are device pixels, so that squares are crisp on any screen. A square stands for
 * `share` tasks: one, unless the job has more tasks than there are pixels.
 */
export interface GridLayout {
  readonly pitch: number
  readonly columns: number
  readonly rows: number
  readonly share: number
  readonly squares: number
}

const largestPitch = 18
const smallestZoomPitch = 1

/** The largest squares with which everything fits into the space; several tasks a square where even one pixel is too much. */
export function fitLayout(size: number, width: number, height: number, scale: number): GridLayout {
  for (let pitch = Math.round(largestPitch * scale); pitch >= 1; pitch--) {
    const layout = pitchLayout(size, width, pitch, 1)
    if (layout.rows * pitch <= height) return layout
  }
  const share = Math.ceil(size / (Math.max(1, Math.floor(width)) * Math.max(1, Math.floor(height))))
  return pitchLayout(size, width, smallestZoomPitch, share)
}

export function pitchLayout(size: number, width: number, pitch: number, share: number): GridLayout {
  const squares = Math.ceil(size / share)
  const columns = Math.max(1, Math.floor(width / pitch))
  return { pitch, columns, rows: Math.ceil(squares / columns), share, squares }
}

/** The next pitch when zooming in or out by one step; undefined means: fit again. */
export function zoomedPitch(
  pitch: number,
  step: 1 | -1,
  fitPitch: number,
  scale: number,
): number | undefined {
  const next = step > 0 ? Math.max(pitch + 1, Math.round(pitch * 1.5)) : Math.floor(pitch / 1.5)
  if (next <= fitPitch) return undefined
  return Math.min(next, Math.round(40 * scale))
}

/** The first task of the square at a place, in device pixels from the grid's own top left corner. */
export function taskAt(layout: GridLayout, x: number, y: number): number | undefined {
  const column = Math.floor(x / layout.pitch)
  const row = Math.floor(y / layout.pitch)
  const square = row * layout.columns + column
  if (column < 0 || column >= layout.columns || row < 0 || square >= layout.squares) return undefined
  return square * layout.share
}

export function squareOf(layout: GridLayout, task: number): { column: number; row: number } {
  const square = Math.floor(task / layout.share)
  return { column: square % layout.columns, row: Math.floor(square / layout.columns) }
}

/** Marks that cover more of the squares than this would hide what the others are. */
const mostMarkedShare = 0.2
const largestMark = 5
const leastMark = 2

/**
 * How large the marks of that many squares are in that many rows: the more, the smaller. Undefined where marks could only be
 * no larger than squares, or hide the rest.
 */
export function markSide(
  count: number,
  rows: number,
  { pitch, columns }: GridLayout,
  scale: number,
): number | undefined {
  const room = Math.sqrt((mostMarkedShare * rows * columns * pitch ** 2) / count)
  const side = Math.min(Math.round(largestMark * scale), Math.floor(room))
  return side > pitch && side >= leastMark * scale ? side : undefined
}
