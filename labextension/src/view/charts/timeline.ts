import { formatCount, formatDuration } from "../../../../kernel-ext/protocol/job-words.ts"
import { t } from "../words.ts"
import { axisHeight, type Draw, drawAxis, timeSteps } from "./surface.ts"

const tallestLane = 26
/** Lower lanes have no room for their worker's name. */
const leastNamedLane = 12
const widestName = 150

/** What the lanes need where there is no lack of room. */
export function timelineHeight(workers: number): number {
  return Math.max(1, workers) * tallestLane + axisHeight + 4
}

/** Tasks as bars, a lane a worker, from the job's start to now. */
export const drawTimeline: Draw = (surface, times, model) => {
  const { context, width, height, palette } = surface
  const lanes = Math.max(1, times.workers.length)
  const span = Math.max(1, model.elapsedMs)
  const room = height - axisHeight - 4
  const lane = Math.min(tallestLane, room / lanes)
  const gap = lane >= 6 ? 2 : 0
  const order = laneOrder(times.workers)
  const plotLeft = lane >= leastNamedLane ? nameLanes(surface, times.workers, order, lane - gap) : 0
  const x = (ms: number) => plotLeft + (ms / span) * (width - plotLeft)
  let busyMs = 0
  for (let at = 0; at < times.index.length; at++) {
    const start = times.start[at] ?? 0
    const end = Number.isNaN(times.end[at]) ? span : (times.end[at] ?? start)
    busyMs += end - start
    context.fillStyle = palette.colors[model.states[times.index[at] ?? 0] ?? 0] ?? "#888"
    const left = x(start)
    // Bars that touch would be one block: a hair of background stays between them where there is room.
    const wide = Math.max(0.6, x(end) - left - (x(end) - left > 3 ? 1 : 0))
    context.fillRect(left, (order[times.worker[at] ?? 0] ?? 0) * lane, wide, lane - gap)
  }
  drawAxis(surface, timeSteps(span, Math.max(2, width / 110)), x)
  const used = Math.round((busyMs / (span * lanes)) * 100)
  return {
    words: t(
      "%1 tasks on %2 workers over %3; workers were busy %4 % of the time",
      formatCount(times.index.length),
      formatCount(times.workers.length),
      formatDuration(span),
      String(Math.min(100, used)),
    ),
    taskAt: (px, py) => {
      const row = Math.floor(py / lane)
      for (let at = times.index.length - 1; at >= 0; at--) {
        if (order[times.worker[at] ?? 0] !== row) continue
        const left = x(times.start[at] ?? 0)
        const right = Number.isNaN(times.end[at]) ? width : x(times.end[at] ?? 0)
        if (px >= left - 1 && px <= Math.max(right, left + 1) + 1) return times.index[at]
      }
      return undefined
    },
  }
}

/** Writes the workers' names before their lanes; returns where the lanes begin. */
function nameLanes(
  { context, width, text, font }: Parameters<Draw>[0],
  workers: readonly string[],
  order: readonly number[],
  lane: number,
): number {
  context.font = font
  context.fillStyle = text
  context.textBaseline = "middle"
  const widest = Math.max(0, ...workers.map((name) => context.measureText(name).width))
  if (widest > Math.min(widestName, width / 4)) return 0
  workers.forEach((name, at) => {
    context.fillText(name, 0, (order[at] ?? 0) * (lane + 2) + lane / 2)
  })
  return Math.ceil(widest) + 10
}

/** Lanes by the workers' names, so that they keep their places as more of them come. */
function laneOrder(workers: readonly string[]): number[] {
  const sorted = workers
    .map((name, at) => ({ name, at }))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))
  const order: number[] = []
  sorted.forEach(({ at }, row) => {
    order[at] = row
  })
  return order
}
