import { inspect } from "node:util"
import { taskStates } from "../protocol/task.ts"
import type { JobCore } from "./job-core.ts"

const plotKinds = ["timeline", "histogram"] as const

/** What `job.plot()` can draw. */
export type PlotKind = (typeof plotKinds)[number]

/** A picture that notebooks show as the value of a cell. */
export class Picture {
  /** The picture as SVG, complete with its namespace. */
  readonly svg: string

  constructor(svg: string) {
    this.svg = svg
  }

  [Symbol.for("Jupyter.display")](): Readonly<Record<string, string>> {
    return { "image/svg+xml": this.svg, "text/plain": "(a plot of a job)" }
  }
}

const widthPx = 720

interface Bar {
  readonly worker: string
  readonly state: string
  readonly from: number
  to: number
}

/** Draws the job as it is now. The plotting library is loaded at the first plot. */
export async function plotOf(core: JobCore, kind: PlotKind): Promise<Picture> {
  if (!plotKinds.includes(kind))
    throw new TypeError(
      `job.plot takes ${plotKinds.map((one) => `"${one}"`).join(" or ")}, but got ${inspect(kind)}.`,
    )
  const [Plot, { parseHTML }] = await Promise.all([import("@observablehq/plot"), import("linkedom")])
  const { document } = parseHTML("<html></html>") as unknown as { document: never }
  const common = { document, width: widthPx, marginLeft: 110 }
  const chart =
    kind === "timeline"
      ? Plot.plot({
          ...common,
          x: {
            label: "seconds since the start (blue done, red failed, grey cancelled, orange running) →",
            grid: true,
          },
          y: { label: null },
          color: { domain: ["done", "failed", "cancelled", "running"], range: colours },
          marks: [Plot.barX(barsOf(core), { x1: "from", x2: "to", y: "worker", fill: "state" })],
        })
      : Plot.plot({
          ...common,
          x: { label: "milliseconds that a task took →" },
          y: { label: "↑ tasks", grid: true },
          marks: [Plot.rectY(durationsOf(core), Plot.binX({ y: "count" }, { x: (ms: number) => ms }))],
        })
  chart.setAttribute("xmlns", "http://www.w3.org/2000/svg")
  return new Picture(chart.outerHTML)
}

/** Okabe and Ito's, which colour-blind readers tell apart. */
const colours = ["#0072b2", "#d55e00", "#999999", "#e69f00"]

/** One bar for each task, or for tasks in a row that one could not tell apart: a picture of a million tasks is no larger. */
function barsOf({ table, startedAtMs, endedAtMs }: JobCore): Bar[] {
  const nowMs = endedAtMs ?? Date.now()
  const pixel = Math.max(1e-6, (nowMs - startedAtMs) / 1000 / widthPx)
  const order = [...table.startedAtMs.subarray(0, table.size).keys()]
    .filter((index) => (table.startedAtMs[index] ?? 0) > 0)
    .sort((a, b) => (table.startedAtMs[a] ?? 0) - (table.startedAtMs[b] ?? 0))
  const bars: Bar[] = []
  const last = new Map<string, Bar>()
  for (const index of order) {
    const worker = table.workerOf(index) ?? "?"
    const state = taskStates[table.states[index] ?? 0] ?? "queued"
    const from = ((table.startedAtMs[index] ?? 0) - startedAtMs) / 1000
    const to = ((table.endedAtMs[index] || nowMs) - startedAtMs) / 1000
    const before = last.get(worker)
    if (before !== undefined && before.state === state && from - before.to < pixel / 4) {
      before.to = Math.max(before.to, to)
      continue
    }
    const bar = { worker, state, from, to: Math.max(to, from + pixel / 2) }
    last.set(worker, bar)
    bars.push(bar)
  }
  return bars
}

function durationsOf({ table }: JobCore): number[] {
  const durations: number[] = []
  for (let index = 0; index < table.size; index++)
    if (table.states[index] === taskStates.indexOf("done"))
      durations.push((table.endedAtMs[index] ?? 0) - (table.startedAtMs[index] ?? 0))
  return durations
}
