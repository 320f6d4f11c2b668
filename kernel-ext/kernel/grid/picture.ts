import type { JobSummary } from "../../protocol/job-view.ts"
import { pictureWidth, planPicture } from "./picture/plan.ts"
import { pngOf } from "./picture/png.ts"
import { svgOf } from "./picture/svg.ts"

/**
 * A job as a picture, for wherever no extension draws it: nbviewer, GitHub, nbconvert, other front ends.
 *
 *     picture/plan.ts      what stands where, the same for both kinds
 *     picture/svg.ts       SVG, for all who take it
 *     picture/png.ts       PNG, for those who do not; raster.ts: its pixels, letters.ts: its words
 */

/** At most 100 kB for 100,000 tasks, however mixed their states. */
export function jobPicture(job: JobSummary, states: Uint8Array, nowMs: number): string {
  return svgOf(planPicture(job, states, nowMs), job, nowMs)
}

export interface JobPng {
  readonly base64: string
  /** CSS pixels, of which each has several in the file. */
  readonly width: number
  readonly height: number
}

/** Takes some milliseconds. */
export function jobPng(job: JobSummary, states: Uint8Array, nowMs: number): JobPng {
  const plan = planPicture(job, states, nowMs)
  return { base64: pngOf(plan).toString("base64"), width: pictureWidth, height: plan.height }
}
