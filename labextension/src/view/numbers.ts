import {
  formatCost,
  formatCount,
  formatDuration,
  settledCount,
  trafficWords,
} from "../../../kernel-ext/protocol/job-words.ts"
import type { JobModel } from "../model/job-model.ts"
import { t } from "./words.ts"

/** How far, how fast, how long: "393 of 600 · 70/s · 5.7 s · about 3 s left". */
export function numberWords(model: JobModel): string {
  const { summary, tasksPerSecond: rate, elapsedMs, liveness } = model
  const open = summary.endedAtMs === null
  const settled = settledCount(summary.counts)
  const elapsed = formatDuration(elapsedMs)
  const cost = summary.costUsd === undefined ? [] : [formatCost(summary.costUsd)]
  if (open && liveness !== "live")
    return [elapsed, liveness === "gone" ? t("its kernel is gone") : t("as it was saved"), ...cost].join(
      " · ",
    )
  if (!open) {
    const mean = summary.size > 1 && elapsedMs > 0 ? [perSecond((settled * 1000) / elapsedMs)] : []
    return [elapsed, ...mean, ...cost].join(" · ")
  }
  const parts = [
    t("%1 of %2", formatCount(settled), `${formatCount(summary.size)}${summary.sized ? "" : "+"}`),
  ]
  if (rate !== undefined) parts.push(perSecond(rate))
  parts.push(elapsed)
  const left = summary.size - settled
  if (summary.sized && rate !== undefined && rate > 0 && left > 0) {
    const leftFor = formatDuration(Math.ceil(left / rate) * 1000).replace(".0 s", " s")
    parts.push(t("about %1 left", leftFor))
  }
  return [...parts, ...cost].join(" · ")
}

/** The same for those who ask for more: "12.3 kB sent, 1.0 MB received". */
export function numbersTitle(model: JobModel): string {
  const { summary } = model
  const parts = [
    trafficWords(summary, t),
    summary.costUsd === undefined ? undefined : t("%1 up to now", formatCost(summary.costUsd)),
  ]
  return parts.filter((part) => part !== undefined).join(" · ")
}

function perSecond(rate: number): string {
  return t("%1/s", rate >= 10 ? formatCount(rate) : rate.toFixed(1))
}
