import { formatCount, formatDuration, settledCount } from "../../../kernel-ext/protocol/job-words.ts"
import type { JobModel } from "../model/job-model.ts"

/** How far, how fast, how long: "393 of 600 · 70/s · 5.7 s · about 3 s left". */
export function numberWords(model: JobModel): string {
  const { summary, tasksPerSecond: rate, elapsedMs, liveness } = model
  const open = summary.endedAtMs === null
  const settled = settledCount(summary.counts)
  const elapsed = formatDuration(elapsedMs)
  if (open && liveness !== "live")
    return `${elapsed} · ${liveness === "gone" ? "its kernel is gone" : "as it was saved"}`
  if (!open)
    return summary.size > 1 && elapsedMs > 0
      ? `${elapsed} · ${perSecond((settled * 1000) / elapsedMs)}`
      : elapsed
  const parts = [`${formatCount(settled)} of ${formatCount(summary.size)}${summary.sized ? "" : "+"}`]
  if (rate !== undefined) parts.push(perSecond(rate))
  parts.push(elapsed)
  const left = summary.size - settled
  if (summary.sized && rate !== undefined && rate > 0 && left > 0) {
    parts.push(`about ${formatDuration(Math.ceil(left / rate) * 1000).replace(".0 s", " s")} left`)
  }
  return parts.join(" · ")
}

function perSecond(rate: number): string {
  return `${rate >= 10 ? formatCount(rate) : rate.toFixed(1)}/s`
}
