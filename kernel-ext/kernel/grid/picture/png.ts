import { StateCode, taskStates } from "../../../protocol/task.ts"
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
import { type Paint, Raster } from "./raster.ts"

/**
 * The picture as PNG, two pixels to each of CSS: for those who take no SVG from strangers, such as JupyterLab with a notebook that is not
 * trusted, and for LaTeX.
 */

const scale = 2

function paint(hex: string, alpha = 1): Paint {
  const part = (at: number) => Number.parseInt(hex.slice(at, at + 2), 16)
  return [part(1), part(3), part(5), alpha]
}

const shades = (hex: string): Paint[] => [paint(hex, 0.3), paint(hex, 0.65), paint(hex)]

const palette: readonly Paint[] = [
  [0, 0, 0, 0],
  ...taskStates.map((state) => paint(stateColors[state], state === "queued" ? queuedOpacity : 1)),
  ...shades(quietColor),
  ...shades(stateColors.failed),
  [255, 255, 255, 1],
]
/** Where in it: the states come first, in the order of their codes. */
const firstState = 1
const quiet = [6, 7, 8] as const
const failed = [9, 10, 11] as const
const white = 12

const plain = { scale: 1.4, radius: 1.05 }
const bold = { scale: 1.4, radius: 1.55 }
const small = { scale: 1.25, radius: 0.95 }

export function pngOf(plan: PicturePlan): Buffer {
  const raster = new Raster(pictureWidth * scale, plan.height * scale)
  const after = raster.words(1, 14 * scale, cut(plan.name, 40), bold, quiet)
  raster.words(after, 14 * scale, ` · ${plan.counts}`, plain, quiet)
  raster.words(1, 33 * scale, plan.place, plain, quiet)
  for (const { state, x, width } of plan.bar) {
    const left = Math.round(x * scale)
    const right = Math.round((x + width) * scale)
    raster.rectangle(left, barTop * scale, right - left, barHeight * scale, firstState + StateCode[state])
  }
  drawSquares(raster, plan.squares)
  const failureTop = plan.height - 8 - plan.failures.length * lineHeight
  plan.failures.forEach((line, at) => {
    raster.words(1, (failureTop + 14 + at * lineHeight) * scale, line, small, failed)
  })
  return raster.png(palette)
}

/** A pixel a square, for whoever scales it up. */
export function squaresPng({ codes, columns, rows }: SquarePlan): Buffer {
  const raster = new Raster(columns, rows)
  for (let at = 0; at < codes.length; at++) raster.pixels[at] = firstState + (codes[at] ?? 0)
  return raster.png(palette)
}

function drawSquares(raster: Raster, { codes, columns, rows, pitch, marked }: SquarePlan): void {
  const side = pitch * scale
  const gap = pitch >= 4 ? Math.max(1, Math.round(side / 8)) : 0
  const line = new Uint8Array(columns * side)
  const cross = pitch >= 8 ? crossIn(side - gap) : []
  for (let row = 0; row < rows; row++) {
    line.fill(0)
    const first = row * columns
    const last = Math.min(codes.length, first + columns)
    for (let at = first; at < last; at++) {
      const left = (at - first) * side
      line.fill(firstState + (codes[at] ?? 0), left, left + side - gap)
    }
    const top = gridTop * scale + row * side
    for (let y = top; y < top + side - gap; y++) raster.pixels.set(line, y * raster.width)
    for (let at = first; cross.length > 0 && at < last; at++) {
      if (codes[at] !== StateCode.failed) continue
      const corner = top * raster.width + (at - first) * side
      for (const [x, y] of cross) raster.pixels[corner + y * raster.width + x] = white
    }
  }
  for (const square of marked) {
    const reach = (markSide * scale) / 2
    const x = Math.round(((square % columns) + 0.5) * side)
    const y = gridTop * scale + Math.round((Math.floor(square / columns) + 0.5) * side)
    raster.rectangle(x - reach - 1, y - reach - 1, 2 * reach + 2, 2 * reach + 2, white)
    raster.rectangle(x - reach, y - reach, 2 * reach, 2 * reach, firstState + StateCode.failed)
  }
}

/** The pixels of a cross in a square of this side. */
function crossIn(side: number): (readonly [number, number])[] {
  const pixels: (readonly [number, number])[] = []
  const [near, far] = [side * 0.28, side * 0.72]
  for (let y = Math.floor(near); y < far; y++) {
    for (let x = Math.floor(near); x < far; x++) {
      const off = Math.min(Math.abs(x - y), Math.abs(x + y - side + 1))
      if (off <= Math.max(1, side / 16)) pixels.push([x, y])
    }
  }
  return pixels
}

function cut(words: string, length: number): string {
  return words.length <= length ? words : `${words.slice(0, length - 1)}…`
}
