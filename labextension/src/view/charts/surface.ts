import { formatDuration } from "../../../../kernel-ext/protocol/job-words.ts"
import type { JobModel, TaskTimes } from "../../model/job-model.ts"
import type { Palette } from "../grid/palette.ts"

/** A canvas to draw on, in CSS pixels, with what the theme says about it. */
export interface Surface {
  readonly context: CanvasRenderingContext2D
  readonly width: number
  readonly height: number
  readonly palette: Palette
  readonly text: string
  readonly line: string
  readonly font: string
}

export interface Drawn {
  /** What the picture shows, in a sentence. */
  readonly words: string
  readonly taskAt: ((x: number, y: number) => number | undefined) | undefined
}

export type Draw = (surface: Surface, times: TaskTimes, model: JobModel) => Drawn

/** Room for the words of the axis. */
export const axisHeight = 20

/** Round steps of time, about `count` of them up to `span`. */
export function timeSteps(span: number, count: number): number[] {
  const rough = span / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough) ?? rough
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, at) => at * step)
}

/** A line under the plot with durations at `at(value)`. */
export function drawAxis(surface: Surface, values: readonly number[], at: (value: number) => number): void {
  const { context, width, height } = surface
  const y = height - axisHeight
  context.strokeStyle = surface.line
  context.lineWidth = 1
  context.beginPath()
  context.moveTo(0, y + 0.5)
  context.lineTo(width, y + 0.5)
  context.font = surface.font
  context.fillStyle = surface.text
  context.textBaseline = "top"
  for (const value of values) {
    const x = Math.round(at(value)) + 0.5
    context.moveTo(x, y)
    context.lineTo(x, y + 4)
    const words = value === 0 ? "0" : formatDuration(value)
    const wide = context.measureText(words).width
    context.fillText(words, Math.max(0, Math.min(width - wide, x - wide / 2)), y + 6)
  }
  context.stroke()
}
