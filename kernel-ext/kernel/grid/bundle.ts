import type { JobView, TaskDescription } from "../../executors/observe.ts"
import { encodeRuns, firstFailures } from "../../protocol/job-states.ts"
import {
  type JobFailure,
  type JobSummary,
  jobMime,
  type SavedJob,
  savedVersion,
  type TaskDetails,
} from "../../protocol/job-view.ts"
import { jobSentence, placeWords } from "../../protocol/job-words.ts"
import type { DisplayBundle } from "../types.ts"
import { jobPicture, jobPng } from "./picture.ts"

/** A job as the data that leaves the kernel: summary, output bundle, one task. */

const failuresShown = 5
const failureChars = 300
const logChars = 60_000
const textChars = 60_000

/** Reads the job now. */
export function summarize(job: JobView): JobSummary {
  const size = Math.min(job.size, job.states.length)
  return {
    id: job.id,
    name: cut(job.name, 200),
    executor: job.executor,
    backend: job.backend,
    workers: job.workers,
    size,
    sized: job.sized,
    counts: { ...job.counts },
    startedAtMs: job.startedAtMs,
    endedAtMs: job.endedAtMs ?? null,
    bytesSent: job.bytesSent,
    bytesReceived: job.bytesReceived,
    costUsd: job.costUsd,
    failures:
      job.counts.failed === 0
        ? []
        : firstFailures(job.states, size, failuresShown).map((i) => failureOf(job, i)),
  }
}

function failureOf(job: JobView, index: number): JobFailure {
  const error = job.describe(index)?.error
  return { index, name: cut(error?.name ?? "Error", 100), message: cut(error?.message ?? "", failureChars) }
}

/** What is shown under the cell and saved with the notebook. */
export function jobBundle(job: JobView, nowMs: number): JobBundle {
  const summary = summarize(job)
  const saved: SavedJob = {
    version: savedVersion,
    ...summary,
    states: encodeRuns(job.states, summary.size),
    savedAtMs: nowMs,
  }
  const data = {
    [jobMime]: saved,
    "image/svg+xml": jobPicture(summary, job.states, nowMs),
    "text/plain": jobText(summary, nowMs),
  }
  // Only what has ended can be computed again and compared.
  const manifest = job.endedAtMs === undefined ? undefined : job.manifest?.({ brief: true })
  return { data, ...(manifest === undefined ? {} : { metadata: { cellfan: { manifest } } }) }
}

export interface JobBundle extends DisplayBundle {
  readonly data: { readonly [jobMime]: SavedJob } & Readonly<Record<string, unknown>>
}

/** The same with a PNG: it takes milliseconds, for which nothing else is to wait. */
export function withPng({ data, metadata }: JobBundle, job: JobView): JobBundle {
  const saved = data[jobMime]
  const { base64, width, height } = jobPng(saved, job.states, saved.savedAtMs)
  return {
    data: { ...data, "image/png": base64 },
    metadata: { ...metadata, "image/png": { width, height } },
  }
}

/** The job in words, with its first failures. */
export function jobText(job: JobSummary, nowMs: number): string {
  const lines = [`${jobSentence(job, nowMs)} · ${placeWords(job)}`]
  for (const { index, name, message } of job.failures)
    lines.push(`  task ${index}: ${name}: ${firstLine(message)}`)
  const more = job.counts.failed - job.failures.length
  if (more > 0) lines.push(`  and ${more} more`)
  return lines.join("\n")
}

export function taskDetails(task: TaskDescription): TaskDetails {
  const { logs, logsCut } = lastLogs(task.logs)
  return {
    ...task,
    input: task.input === undefined ? undefined : cut(task.input, 2000),
    result: task.result === undefined ? undefined : cut(task.result, 2000),
    worker: task.worker === undefined ? undefined : cut(task.worker, 200),
    progress: task.progress && { ...task.progress, note: task.progress.note && cut(task.progress.note, 500) },
    logs,
    logsCut,
    error: task.error && {
      name: cut(task.error.name, 200),
      message: cut(task.error.message, textChars),
      stack: cut(task.error.stack, textChars),
    },
  }
}

/** The end of the log, which is where people look; neighbouring pieces of one stream are joined. */
function lastLogs(logs: TaskDescription["logs"]): Pick<TaskDetails, "logs" | "logsCut"> {
  const kept: { stream: "stdout" | "stderr"; text: string }[] = []
  let room = logChars
  let logsCut = false
  for (const piece of logs.toReversed()) {
    logsCut = piece.text.length > room
    const text = piece.text.slice(Math.max(0, piece.text.length - room))
    const next = kept.at(-1)
    if (next?.stream === piece.stream) next.text = text + next.text
    else if (text !== "") kept.push({ stream: piece.stream, text })
    room -= text.length
    if (logsCut) break
  }
  return { logs: kept.reverse(), logsCut }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? ""
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
