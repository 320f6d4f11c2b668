import { type TaskState, taskStates } from "../../../../kernel-ext/protocol/task.ts"
import type { Palette } from "./palette.ts"

/** From this pitch on, squares carry a sign besides their colour. */
const leastSignPitch = 10

/** One square of each state as a pattern to fill with, and the gaps between squares of one pixel a task. */
export function makeSprites(
  context: CanvasRenderingContext2D,
  palette: Palette,
  pitch: number,
): { sprites: CanvasPattern[]; gaps: CanvasPattern | undefined } {
  const patternOf = (draw: (context: CanvasRenderingContext2D) => void) => {
    const tile = document.createElement("canvas")
    tile.width = pitch
    tile.height = pitch
    const tileContext = tile.getContext("2d")
    if (tileContext !== null) draw(tileContext)
    return context.createPattern(tile, "repeat") ?? undefined
  }
  const gaps = patternOf((tile) => {
    // Among small squares a full gap would take a good part of the colour away.
    tile.globalAlpha = pitch < 6 ? 0.55 : 1
    tile.fillRect(pitch - 1, 0, 1, pitch)
    tile.fillRect(0, pitch - 1, pitch, 1)
  })
  const sprites = taskStates.map((state) => patternOf((tile) => drawSquare(tile, palette, pitch, state)))
  return { sprites: sprites.filter((sprite) => sprite !== undefined), gaps }
}

function drawSquare(tile: CanvasRenderingContext2D, palette: Palette, pitch: number, state: TaskState): void {
  const gap = pitch >= 14 ? 2 : 1
  const side = pitch - gap
  tile.fillStyle = palette.colors[taskStates.indexOf(state)] ?? "#888"
  tile.beginPath()
  tile.roundRect(0, 0, side, side, side * 0.18)
  tile.fill()
  if (pitch < leastSignPitch) return
  tile.strokeStyle = palette.ink
  tile.fillStyle = palette.ink
  tile.lineCap = "round"
  tile.lineWidth = Math.max(1.4, side * 0.11)
  drawSign(tile, side, state)
}

/** What tells states apart without colour: a cross for failed, a dot for running, a bar for cancelled. */
function drawSign(tile: CanvasRenderingContext2D, side: number, state: TaskState): void {
  const near = side * 0.3
  const far = side * 0.7
  tile.beginPath()
  switch (state) {
    case "failed":
      tile.moveTo(near, near)
      tile.lineTo(far, far)
      tile.moveTo(far, near)
      tile.lineTo(near, far)
      tile.stroke()
      break
    case "running":
      tile.arc(side / 2, side / 2, side * 0.17, 0, 2 * Math.PI)
      tile.fill()
      break
    case "cancelled":
      tile.moveTo(near, side / 2)
      tile.lineTo(far, side / 2)
      tile.stroke()
      break
    case "queued":
    case "done":
      break
    default:
      state satisfies never
  }
}
