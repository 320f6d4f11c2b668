import * as z from "zod/mini"
import { maxTasks } from "./job-states.ts"
import { taskStates } from "./task.ts"
import { workerConditions } from "./worker-condition.ts"

/**
 * What the kernel and the views of its jobs say to each other, and what stays of a job in the saved notebook.
 *
 *     view                                    kernel
 *      │ comm_open "cellfan" {job} or {all}     │
 *      │ ─────────────────────────────────────→ │
 *      │ ←───────────────── full + [states] ─── │   also after `resync`
 *      │ ←────────── patch, sequence + 1 … ──── │   at most ten a second
 *      │ ── received, cancel, retry, watch … →  │
 *      │ ←───────────────────── task, times ─── │
 *
 * The view opens the comm: after a page reload it does the same again, with the job id that the notebook saved.
 */

export const jobMime = "application/vnd.cellfan.job+json"
export const commTarget = "cellfan"
export const savedVersion = 1

const count = z.int().check(z.gte(0), z.lte(maxTasks))
const index = z.int().check(z.gte(0), z.lt(maxTasks))
const timeMs = z.number()
const bytes = z.number().check(z.gte(0))
const state = z.enum(taskStates)
const short = z.string().check(z.maxLength(2000))
const text = z.string().check(z.maxLength(200_000))
const stream = z.enum(["stdout", "stderr"])
const counts = z.object({ queued: count, running: count, done: count, failed: count, cancelled: count })

const failure = z.object({ index, name: short, message: short })

const summary = z.object({
  id: short,
  name: short,
  executor: short,
  backend: short,
  workers: count,
  size: count,
  /** False while inputs may still be added. */
  sized: z.boolean(),
  counts,
  startedAtMs: timeMs,
  endedAtMs: z.nullable(timeMs),
  /** Of inputs on their way to workers, and of results on their way back. */
  bytesSent: z.optional(bytes),
  bytesReceived: z.optional(bytes),
  /** Up to now; absent where the backend cannot tell, or where it costs nothing. */
  costUsd: z.optional(z.number().check(z.gte(0))),
  /** The first few tasks that failed, in the order of the inputs. */
  failures: z.array(failure).check(z.maxLength(20)),
})

/** A job without its tasks. */
export type JobSummary = z.infer<typeof summary>
export type JobFailure = z.infer<typeof failure>

const saved = z.extend(summary, {
  version: z.literal(savedVersion),
  /** Run-length text of job-states.ts. */
  states: z.string(),
  /** When this was written. A job that had not ended then may have gone on. */
  savedAtMs: timeMs,
})

/** The MIME bundle's `application/vnd.cellfan.job+json`: enough to draw the job without a kernel. */
export type SavedJob = z.infer<typeof saved>

const task = z.object({
  index,
  state,
  attempt: z.int(),
  worker: z.optional(short),
  queuedAtMs: timeMs,
  startedAtMs: z.optional(timeMs),
  endedAtMs: z.optional(timeMs),
  input: z.optional(text),
  result: z.optional(text),
  progress: z.optional(z.object({ fraction: z.number(), note: z.optional(short) })),
  logs: z.array(z.object({ stream, text })),
  /** Log text before `logs` that was left out. */
  logsCut: z.boolean(),
  error: z.optional(z.object({ name: short, message: text, stack: text })),
})

/** What a task shows when opened. */
export type TaskDetails = z.infer<typeof task>

const executor = z.object({
  id: short,
  /** "LocalhostExecutor", … */
  kind: short,
  backend: short,
  workers: count,
  idle: count,
  /** What became of the last wish to clean it up, until it is used again. */
  cleaning: z.optional(z.union([z.literal("now"), z.object({ failed: short })])),
  /** The first of its workers that exist now; absent where the backend does not tell them apart. */
  running: z.optional(
    z
      .array(
        z.object({
          name: short,
          state: z.enum(workerConditions),
          detail: z.optional(short),
          usdPerHour: z.optional(z.number().check(z.gte(0))),
        }),
      )
      .check(z.maxLength(64)),
  ),
})

/** An executor of a kernel, with its workers. */
export type ListedExecutor = z.infer<typeof executor>

const viewOpen = z.union([z.object({ job: short }), z.object({ all: z.literal(true) })])

/** Data of the comm_open: one job, or the list of all. */
export type ViewOpen = z.infer<typeof viewOpen>

const indices = z.optional(z.array(index))

const viewCommand = z.discriminatedUnion("type", [
  z.object({ type: z.literal("resync") }),
  /** Says that patches arrive; who stays silent for long gets no more of them until it resyncs. */
  z.object({ type: z.literal("received"), sequence: z.int() }),
  /** The whole job, or these tasks. `job` says which where the comm is about all. */
  z.object({ type: z.literal("cancel"), job: z.optional(short), indices }),
  z.object({ type: z.literal("retry"), job: z.optional(short), indices }),
  /** `task` now and whenever it changes; null ends that. */
  z.object({ type: z.literal("watch"), index: z.nullable(index) }),
  /** One `task` answer, for a hover. */
  z.object({ type: z.literal("peek"), index }),
  /** When each task ran and where. */
  z.object({ type: z.literal("times") }),
  /** Code of a cell that runs this task in the kernel: a `cell` answer. */
  z.object({ type: z.literal("cell"), index }),
  /** Ends the workers of an executor, having removed what earlier runs left behind. */
  z.object({ type: z.literal("clean"), executor: short }),
])

export type ViewCommand = z.infer<typeof viewCommand>

const viewMessage = z.discriminatedUnion("type", [
  /** Buffers: [a state code a task]. `nowMs` is the kernel's clock, which may differ from the view's. */
  z.object({ type: z.literal("full"), sequence: z.int(), nowMs: timeMs, job: summary }),
  /** Buffers: [patch], or none where no state changed. */
  z.object({ type: z.literal("patch"), sequence: z.int(), nowMs: timeMs, job: summary }),
  /** The kernel has no such job (any more). */
  z.object({ type: z.literal("unknown") }),
  /** The output as it should be saved now: for views that the kernel's own update does not reach. */
  z.object({
    type: z.literal("picture"),
    data: z.record(z.string(), z.unknown()),
    metadata: z.optional(z.record(z.string(), z.unknown())),
  }),
  z.object({ type: z.literal("task"), watched: z.boolean(), task }),
  /** Buffers: [index u32, start f32, end f32, worker u16]; times in ms after the job's start, end NaN while running. */
  z.object({ type: z.literal("times"), workers: z.array(short), sampled: z.boolean() }),
  z.object({ type: z.literal("cell"), code: text }),
  z.object({
    type: z.literal("jobs"),
    nowMs: timeMs,
    jobs: z.array(z.extend(summary, { cell: short })),
    executors: z.array(executor),
  }),
])

export type ViewMessage = z.infer<typeof viewMessage>
export type ListedJob = Extract<ViewMessage, { type: "jobs" }>["jobs"][number]

/** Undefined where the data is none of these: a view or a kernel of another version. */
export function parseViewOpen(data: unknown): ViewOpen | undefined {
  return viewOpen.safeParse(data).data
}

export function parseViewCommand(data: unknown): ViewCommand | undefined {
  return viewCommand.safeParse(data).data
}

export function parseViewMessage(data: unknown): ViewMessage | undefined {
  return viewMessage.safeParse(data).data
}

export function parseSavedJob(data: unknown): SavedJob | undefined {
  return saved.safeParse(data).data
}
