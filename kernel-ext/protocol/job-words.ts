import type { JobSummary } from "./job-view.ts"
import { taskStates } from "./task.ts"

/** How a job is put into words, the same in the text output, the picture and the live view. */

/** Says a text in the reader's language, with values in the places of "%1", "%2", … */
export type Say = (text: string, ...values: readonly string[]) => string

export const english: Say = (text, ...values) =>
  text.replace(/%(\d)/g, (_, at) => values[Number(at) - 1] ?? "")

export type JobStatus = "running" | "done" | "failed" | "cancelled"

export function jobStatus(job: Pick<JobSummary, "counts" | "endedAtMs">): JobStatus {
  if (job.endedAtMs === null) return "running"
  if (job.counts.failed > 0) return "failed"
  return job.counts.cancelled > 0 ? "cancelled" : "done"
}

/** "10,000". By hand, because toLocaleString takes a hundred times as long. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** "340 ms", "12.3 s", "4 min 05 s", "2 h 13 min". */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1) return durationMs <= 0 ? "0 ms" : `${durationMs.toFixed(1)} ms`
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`
  if (durationMs < 59_950) return `${(durationMs / 1000).toFixed(1)} s`
  const seconds = Math.round(durationMs / 1000)
  const two = (value: number) => String(value).padStart(2, "0")
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`
}

/** "640 B", "12.3 kB", "4.0 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`
  for (const [unit, size] of [
    ["kB", 1e3],
    ["MB", 1e6],
    ["GB", 1e9],
  ] as const) {
    if (bytes < size * 999.95 || unit === "GB") return `${(bytes / size).toFixed(1)} ${unit}`
  }
  return `${bytes} B`
}

/** "$0.0012", "$3.40": small sums keep two digits that say something. */
export function formatCost(usd: number): string {
  return `$${usd >= 0.995 || usd === 0 ? usd.toFixed(2) : usd.toPrecision(2)}`
}

/** "9,997 done, 3 failed": only the states that occur, what is over first. */
export function countWords(counts: JobSummary["counts"], say: Say = english): string {
  const shown = (["done", "failed", "cancelled", "running", "queued"] as const).filter(
    (state) => counts[state] > 0,
  )
  if (shown.length === 0) return say("no tasks")
  return shown.map((state) => `${formatCount(counts[state])} ${say(state)}`).join(", ")
}

/** "bootstrap: 10,000 tasks, 9,997 done, 3 failed in 12.3 s". */
export function jobSentence(job: JobSummary, nowMs: number): string {
  const tasks = `${formatCount(job.size)}${job.sized ? "" : "+"} ${job.size === 1 ? "task" : "tasks"}`
  const elapsed = formatDuration((job.endedAtMs ?? nowMs) - job.startedAtMs)
  const when = job.endedAtMs === null ? `, ${elapsed} so far` : ` in ${elapsed}`
  const counts = job.size === 0 ? "" : `, ${countWords(job.counts)}`
  return `${job.name}: ${tasks}${counts}${when}`
}

/** "LocalhostExecutor, 4 workers". */
export function placeWords(
  job: Pick<JobSummary, "executor" | "backend" | "workers">,
  say: Say = english,
): string {
  const workers = say(job.workers === 1 ? "%1 worker" : "%1 workers", formatCount(job.workers))
  const isPlain = job.executor.toLowerCase().startsWith(job.backend.toLowerCase())
  return `${isPlain ? job.executor : say("%1 on %2", job.executor, job.backend)}, ${workers}`
}

/** "12.3 kB sent, 1.0 MB received": nothing while nothing is known. */
export function trafficWords(
  job: Pick<JobSummary, "bytesSent" | "bytesReceived">,
  say: Say = english,
): string | undefined {
  const { bytesSent = 0, bytesReceived = 0 } = job
  if (bytesSent + bytesReceived === 0) return undefined
  return say("%1 sent, %2 received", formatBytes(bytesSent), formatBytes(bytesReceived))
}

/** Tasks that need nothing more, by their own account. */
export function settledCount(counts: JobSummary["counts"]): number {
  return taskStates.reduce(
    (sum, state) => (state === "queued" || state === "running" ? sum : sum + counts[state]),
    0,
  )
}
