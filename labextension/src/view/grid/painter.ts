import { StateCode, taskStates } from "../../../../kernel-ext/protocol/task.ts"
import { type GridLayout, markSide, squareOf } from "./layout.ts"
import type { Palette } from "./palette.ts"
import { makeSprites } from "./sprites.ts"

/**
 * Draws the rows in view, all of them each time: small squares as one pixel a task, scaled up by the canvas; large ones
 * as paths filled with a pattern. What failed is drawn again on top, larger, wherever a square is too small to see.
 */

export interface GridScene {
  readonly states: Uint8Array
  readonly size: number
  readonly layout: GridLayout
  /** How far the grid is scrolled, in device pixels. */
  readonly scroll: number
  /** Only this state in full colour. */
  readonly filter: number | undefined
  /** Where the keyboard is, and the task that is open. */
  readonly cursor: number | undefined
  readonly selected: number | undefined
}

const leastSpritePitch = 8
const leastGapPitch = 3
/** Failures are marked while their squares are smaller than this. */
const leastPlainPitch = 6
/** More would take too long to draw. */
const maxMarks = 4000

export class GridPainter {
  readonly #canvas: HTMLCanvasElement
  readonly #context: CanvasRenderingContext2D
  readonly #small = document.createElement("canvas")
  readonly #smallContext: CanvasRenderingContext2D
  #image = new ImageData(1, 1)
  #palette: Palette
  #sprites: readonly CanvasPattern[] = []
  #gaps: CanvasPattern | undefined
  #spritesFor = 0

  constructor(canvas: HTMLCanvasElement, palette: Palette) {
    const context = canvas.getContext("2d")
    const smallContext = this.#small.getContext("2d")
    if (context === null || smallContext === null) throw new Error("This browser has no 2d canvas")
    this.#canvas = canvas
    this.#context = context
    this.#smallContext = smallContext
    this.#palette = palette
  }

  set palette(palette: Palette) {
    this.#palette = palette
    this.#spritesFor = 0
  }

  paint(scene: GridScene): void {
    const { pitch, rows } = scene.layout
    const context = this.#context
    const firstRow = Math.min(rows, Math.max(0, Math.floor(scene.scroll / pitch)))
    const lastRow = Math.min(rows, Math.ceil((scene.scroll + this.#canvas.height) / pitch))
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.globalAlpha = 1
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height)
    if (lastRow <= firstRow) return
    context.translate(0, -scene.scroll)
    this.#prepare(pitch)
    if (pitch >= leastSpritePitch) this.#paintSprites(scene, firstRow, lastRow)
    else this.#paintPixels(scene, firstRow, lastRow)
    if (pitch < leastPlainPitch) this.#markFailures(scene, firstRow, lastRow)
    this.#outline(scene, scene.selected, 2)
    this.#outline(scene, scene.cursor, 1)
  }

  #prepare(pitch: number): void {
    if (this.#spritesFor === pitch) return
    this.#spritesFor = pitch
    const { sprites, gaps } = makeSprites(this.#context, this.#palette, pitch)
    this.#sprites = sprites
    this.#gaps = gaps
  }

  #paintSprites(scene: GridScene, firstRow: number, lastRow: number): void {
    const { pitch, columns, squares } = scene.layout
    const paths = taskStates.map(() => new Path2D())
    for (let row = firstRow; row < lastRow; row++) {
      const end = Math.min(squares, (row + 1) * columns)
      for (let from = row * columns; from < end; ) {
        const code = stateOf(scene, from)
        let to = from + 1
        while (to < end && stateOf(scene, to) === code) to++
        paths[code]?.rect((from - row * columns) * pitch, row * pitch, (to - from) * pitch, pitch)
        from = to
      }
    }
    paths.forEach((path, code) => {
      const sprite = this.#sprites[code]
      if (sprite === undefined) return
      this.#context.globalAlpha = scene.filter === undefined || scene.filter === code ? 1 : 0.16
      this.#context.fillStyle = sprite
      this.#context.fill(path)
    })
    this.#context.globalAlpha = 1
  }

  #paintPixels(scene: GridScene, firstRow: number, lastRow: number): void {
    const { pitch, columns, squares } = scene.layout
    const rows = lastRow - firstRow
    if (this.#image.width !== columns || this.#image.height !== rows) {
      this.#small.width = columns
      this.#small.height = rows
      this.#image = new ImageData(columns, rows)
    }
    const pixels = new Uint32Array(this.#image.data.buffer)
    const colors = this.#pixelsFor(scene.filter)
    const first = firstRow * columns
    const last = Math.min(squares, lastRow * columns)
    if (scene.layout.share === 1) {
      const { states } = scene
      for (let square = first; square < last; square++)
        pixels[square - first] = colors[states[square] ?? 0] ?? 0
    } else {
      for (let square = first; square < last; square++)
        pixels[square - first] = colors[stateOf(scene, square)] ?? 0
    }
    pixels.fill(0, last - first)
    this.#smallContext.putImageData(this.#image, 0, 0)
    const context = this.#context
    context.imageSmoothingEnabled = false
    context.drawImage(this.#small, 0, firstRow * pitch, columns * pitch, rows * pitch)
    if (pitch < leastGapPitch || this.#gaps === undefined) return
    context.globalCompositeOperation = "destination-out"
    context.fillStyle = this.#gaps
    context.fillRect(0, firstRow * pitch, columns * pitch, rows * pitch)
    context.globalCompositeOperation = "source-over"
  }

  #pixelsFor(filter: number | undefined): Uint32Array {
    if (filter === undefined) return this.#palette.pixels
    const pixels = this.#palette.fadedPixels.slice()
    pixels[filter] = this.#palette.pixels[filter] ?? 0
    return pixels
  }

  #markFailures(scene: GridScene, firstRow: number, lastRow: number): void {
    if (scene.filter !== undefined && scene.filter !== StateCode.failed) return
    const { layout } = scene
    const { columns, pitch } = layout
    const failed = failedSquares(scene, firstRow * columns, lastRow * columns)
    const side = markSide(failed.length, lastRow - firstRow, layout, Math.max(1, devicePixelRatio))
    if (failed.length === 0 || failed.length > maxMarks || side === undefined) return
    const marks = new Path2D()
    for (const square of failed) {
      const left = Math.round(((square % columns) + 0.5) * pitch - side / 2)
      const top = Math.round((Math.floor(square / columns) + 0.5) * pitch - side / 2)
      marks.rect(Math.max(0, left), Math.max(0, top), side, side)
    }
    this.#context.strokeStyle = this.#palette.background
    this.#context.lineWidth = Math.min(2, side / 2)
    this.#context.stroke(marks)
    this.#context.fillStyle = this.#palette.colors[StateCode.failed] ?? "red"
    this.#context.fill(marks)
  }

  #outline(scene: GridScene, task: number | undefined, width: number): void {
    if (task === undefined || task >= scene.size) return
    const { pitch } = scene.layout
    const { column, row } = squareOf(scene.layout, task)
    const scale = Math.max(1, devicePixelRatio)
    const side = Math.max(pitch, 7 * scale)
    const left = (column + 0.5) * pitch - side / 2
    const top = (row + 0.5) * pitch - side / 2
    const context = this.#context
    context.lineWidth = (width + 2) * scale
    context.strokeStyle = this.#palette.background
    context.strokeRect(left, top, side, side)
    context.lineWidth = width * scale
    context.strokeStyle = this.#palette.focus
    context.strokeRect(left, top, side, side)
  }
}

/**
 * The state a square shows. Of several tasks it is one of them, each time another: so the states have the shares they have, and
 * what failed is seen by its marks.
 */
function stateOf(scene: GridScene, square: number): number {
  const { share } = scene.layout
  const first = square * share
  const task = share === 1 ? first : first + ((square * 7919) % Math.min(share, scene.size - first))
  return scene.states[task] ?? 0
}

/** Squares from `first` up to `end` in which a task failed; of too many to mark, one more than can be. */
function failedSquares({ states, size, layout }: GridScene, first: number, end: number): number[] {
  const { share } = layout
  const last = Math.min(size, end * share)
  const squares: number[] = []
  let from = first * share
  while (squares.length <= maxMarks) {
    const task = states.indexOf(StateCode.failed, from)
    if (task === -1 || task >= last) break
    const square = Math.floor(task / share)
    squares.push(square)
    from = (square + 1) * share
  }
  return squares
}
