import { formatCount, formatDuration } from "../../../../kernel-ext/protocol/job-words.ts"
import { StateCode } from "../../../../kernel-ext/protocol/task.ts"
import { t } from "../words.ts"
import { axisHeight, type Draw, drawAxis, timeSteps } from "./surface.ts"

const mostBins = 60
/** From this ratio of longest to shortest on, equal steps would put nearly all tasks into one bin. */
const logarithmicFrom = 30
const leastMs = 0.05
/** Room above the bars for the count of the highest. */
const topHeight = 18

/** How many tasks took how long: done below, failed on top. */
export const drawHistogram: Draw = (surface, times, model) => {
  const taken: { ms: number; failed: boolean }[] = []
  for (let at = 0; at < times.index.length; at++) {
    const ms = (times.end[at] ?? Number.NaN) - (times.start[at] ?? 0)
    const state = model.states[times.index[at] ?? 0]
    if (ms >= 0) taken.push({ ms: Math.max(leastMs, ms), failed: state === StateCode.failed })
  }
  if (taken.length === 0) return { words: t("No task has ended yet"), taskAt: undefined }
  const sorted = taken.map(({ ms }) => ms).sort((a, b) => a - b)
  const quantile = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const scale = scaleOf(quantile(0), quantile(1), surface.width)
  const most = drawBars(surface, taken, scale)
  drawAxis(surface, scale.ticks, scale.x)
  drawMost(surface, most)
  return {
    words: t(
      "%1 tasks ended: half took under %2, 95 % under %3, the longest %4",
      formatCount(taken.length),
      formatDuration(quantile(0.5)),
      formatDuration(quantile(0.95)),
      formatDuration(quantile(1)),
    ),
    taskAt: undefined,
  }
}

interface Scale {
  readonly x: (ms: number) => number
  readonly ticks: readonly number[]
}

function scaleOf(shortest: number, longest: number, width: number): Scale {
  if (longest / shortest < logarithmicFrom) {
    const span = longest * 1.02
    return { x: (ms) => (ms / span) * width, ticks: timeSteps(span, Math.max(2, width / 110)) }
  }
  const from = Math.log10(shortest)
  const to = Math.log10(longest * 1.1)
  const first = Math.ceil(from)
  const ticks = Array.from({ length: Math.max(0, Math.floor(to) - first + 1) }, (_, at) => 10 ** (first + at))
  return { x: (ms) => ((Math.log10(ms) - from) / (to - from)) * width, ticks }
}

function drawBars(
  { context, width, height, palette }: Parameters<Draw>[0],
  taken: readonly { ms: number; failed: boolean }[],
  scale: Scale,
): number {
  const bins = Math.max(1, Math.min(mostBins, Math.floor(width / 10)))
  const done = new Float64Array(bins)
  const failed = new Float64Array(bins)
  for (const { ms, failed: isFailed } of taken) {
    const bin = Math.min(bins - 1, Math.floor((scale.x(ms) / width) * bins))
    const counts = isFailed ? failed : done
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const top = Math.max(...done.map((count, bin) => count + (failed[bin] ?? 0)))
  const room = height - axisHeight - topHeight
  for (let bin = 0; bin < bins; bin++) {
    const left = (bin * width) / bins
    const wide = width / bins - 1
    const low = ((done[bin] ?? 0) / top) * room
    // A bin's failures are seen, however few.
    const high = (failed[bin] ?? 0) === 0 ? 0 : Math.max(2, ((failed[bin] ?? 0) / top) * room)
    context.fillStyle = palette.colors[StateCode.done] ?? "green"
    context.fillRect(left, height - axisHeight - low, wide, low)
    context.fillStyle = palette.colors[StateCode.failed] ?? "red"
    context.fillRect(left, height - axisHeight - low - high, wide, high)
  }
  return top
}

/** How many tasks the highest bar stands for: the only scale the bars need. */
function drawMost({ context, width, text, line, font }: Parameters<Draw>[0], most: number): void {
  const words = t(most === 1 ? "%1 task" : "%1 tasks", formatCount(most))
  context.font = font
  context.textBaseline = "top"
  context.fillStyle = text
  context.fillText(words, 0, 0)
  context.strokeStyle = line
  context.beginPath()
  context.moveTo(0, topHeight - 0.5)
  context.lineTo(width, topHeight - 0.5)
  context.stroke()
}
