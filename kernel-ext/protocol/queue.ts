import type { ContentKey } from "./invocation.ts"
import type { LogStream } from "./worker.ts"

/**
 * What kernels and agents of one pool say to each other, by way of a NATS server.
 *
 *     kernel                      server                                  agent
 *      │ tasks        stream, a work queue: each batch to one agent        │
 *      │ ────────────────────────→ │ ───────────────────────────────────→  │ a lease, renewed while it runs
 *      │ contents     stream and object store: what tasks need, by hash    │
 *      │ ────────────────────────→ │ ←──────────────────────────────────── │ asks for what it lacks
 *      │ ←──────────────────────── │ ←──────── stream: results, logs ───── │ then acknowledges the batch
 *      │ ←───────────────────── no stream: what is true only now ───────── │ started, progress, load
 *      │ ──────────────────── no stream: orders (cancel, take back) ─────→ │
 *      │ ←── a question, of whoever is attached: does this task run again?
 *
 * Streams are kept for a day: whoever knows a job's id reads there what became of it, also when the kernel is gone.
 * Agents trust kernels of their pool. Kernels trust nothing that agents say: it is JSON and raw bytes, checked as it is read.
 */

/**
 * Agents take batches from two lanes, in turns where both have some. What a job has first in the queue, as much as keeps all workers busy for a moment,
 * goes into the first; what it has beyond that, into the rest. So a job of a few tasks waits behind nobody's million.
 */
export const lanes = ["first", "rest"] as const
export type Lane = (typeof lanes)[number]

/** Names of a pool's streams, of their consumers and of subjects. */
export class QueueNames {
  readonly tasks: string
  readonly results: string
  readonly objects: string
  readonly #root: string

  constructor(pool: string) {
    this.tasks = `cellfan-${pool}-tasks`
    this.results = `cellfan-${pool}-results`
    this.objects = `cellfan-${pool}`
    this.#root = `cellfan.${pool}`
  }

  /** Batches of a job in one lane; "*" for both. */
  taskSubject(lane: Lane | "*", session: string, job: string): string {
    return `${this.#root}.task.${lane}.${session}.${job}`
  }

  /** All that stands in a lane. Its name is that of the consumer that all agents share. */
  laneSubject(lane: Lane): string {
    return `${this.#root}.task.${lane}.>`
  }

  get allTasks(): string {
    return `${this.#root}.task.>`
  }

  /** What became of a batch. */
  resultSubject(session: string, job: string, batch: string): string {
    return `${this.#root}.result.${session}.${job}.${batch}`
  }

  /** What the results' stream takes. */
  get allResults(): readonly string[] {
    return [`${this.#root}.result.>`, this.jobSubject("*"), this.contentSubject("*")]
  }

  /** A job's own record: what it is, and in whose name its tasks are. */
  jobSubject(job: string): string {
    return `${this.#root}.job.${job}`
  }

  contentSubject(key: ContentKey): string {
    return `${this.#root}.content.${key}`
  }

  /** Started and progress, for one session. */
  liveSubject(session: string): string {
    return `${this.#root}.live.${session}`
  }

  /** A kernel answers what somebody asks who is attached to a job of its. */
  kernelSubject(session: string): string {
    return `${this.#root}.kernel.${session}`
  }

  /** Agents tell of themselves. */
  get agents(): string {
    return `${this.#root}.agents`
  }

  /** To all agents. */
  get orders(): string {
    return `${this.#root}.orders`
  }
}

/** Names of pools: they are parts of subjects and of file names. */
export const poolPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/

/** The head of a batch on its way to an agent. Parts: its inputs, encoded, unless they are at `inputsAt`. */
export interface TaskMessage {
  readonly version: 1
  readonly session: string
  readonly jobId: string
  /** Unique in its pool. */
  readonly batch: string
  /** What its tasks need, in the order in which a worker takes it in: `ship-HASH`, `packages-HASH`, `broadcast-HASH`, `job-ID`. */
  readonly needs: readonly ContentKey[]
  /** Those of them that stand in this message, in frames of their own after this one's: agents may not find them elsewhere yet. */
  readonly carries?: readonly ContentKey[]
  readonly indices: Uint32Array
  /** Undefined: each runs for the first time. */
  readonly attempts: Uint16Array | undefined
  readonly timeoutMs: number | undefined
  readonly memoryMiB: number | undefined
  /** Object that holds the inputs, where they are too large for a message. */
  readonly inputsAt?: string
}

/** What an agent says of a batch or of a job. Binary parts are beside it. */
export type AgentMessage =
  /**
   * The agent begins a task alone whose batch was lent before and not ended: it may have ended the machine. Recorded before it begins, so
   * that it is known how many machines it has ended.
   */
  | { readonly type: "begun"; readonly agent: string; readonly index: number }
  /** The agent lets go of the batch and lives: that another one gets it is nobody's death. */
  | { readonly type: "left"; readonly agent: string }
  /** The messages that belong here are too large for one, and stand in this object. */
  | { readonly type: "at"; readonly object: string }
  /**
   * Tasks that returned. Parts: indices (uint32), when they began, when they ended (float64, ms since 1970), then results,
   * in segments.
   */
  | {
      readonly type: "done"
      readonly worker: string
      readonly count: number
      /** Position, CPU time in ms, peak memory in bytes, flat. */
      readonly measured: readonly number[]
      readonly peakMemoryBytes: number
      /** How many blobs each segment has. */
      readonly segments: readonly number[]
    }
  | { readonly type: "ended"; readonly index: number; readonly end: WrittenEnd }
  /** Tasks that were not begun, or (`suspect`) whose worker died of one of them. */
  | { readonly type: "returned"; readonly indices: readonly number[]; readonly suspect: boolean }
  | { readonly type: "log"; readonly index: number; readonly stream: LogStream; readonly text: string }
  /** Nothing more comes of this batch. With a problem: it could not be begun. */
  | { readonly type: "closed"; readonly problem?: string | undefined }
  // Not in a stream:
  | { readonly type: "started"; readonly index: number; readonly worker: string; readonly atMs: number }
  | {
      readonly type: "progress"
      readonly index: number
      readonly fraction: number
      readonly note?: string | undefined
    }

/** How a task ended without a result. What it threw is binary: `error` is the number of blobs beside its bytes. */
export type WrittenEnd =
  | {
      readonly kind: "threw"
      readonly worker: string
      readonly name: string
      readonly message: string
      readonly stack: string
      readonly error?: number | undefined
      readonly startedAtMs: number
      readonly endedAtMs: number
      readonly cpuMs?: number | undefined
      readonly peakMemoryBytes?: number | undefined
    }
  | {
      readonly kind: "lost"
      readonly worker: string
      readonly reason: string
      /** Of so many workers or machines that ended under it. */
      readonly deaths?: number | undefined
    }
  | { readonly kind: "timedOut"; readonly worker: string; readonly startedAtMs: number }

/** A job, for whoever asks for it by its id. */
export interface JobRecord {
  readonly version: 1
  readonly jobId: string
  /** Of the kernel that started it. */
  readonly session: string
  readonly name: string
  /** Tasks known so far. */
  readonly total: number
  readonly startedAtMs: number
  /**
   * "settled": it has ended in its kernel, so what no agent has told of was cancelled or failed there. "cancelled": somebody else wants it to
   * end, and its kernel, if there is one, has not heard it yet. Absent: it goes on.
   */
  readonly end?: "settled" | "cancelled" | undefined
}

export function parseJobRecord(bytes: Uint8Array): JobRecord | undefined {
  const record = parseJson(bytes)
  if (record?.version !== 1 || !isText(record.jobId) || !isText(record.session) || !isText(record.name))
    return undefined
  if (!isCount(record.total) || !Number.isFinite(record.startedAtMs)) return undefined
  if (record.end !== undefined && record.end !== "settled" && record.end !== "cancelled") return undefined
  return record as unknown as JobRecord
}

/** Which of these tasks, whose end was recorded, do not run again? */
export interface KernelQuestion {
  readonly jobId: string
  readonly indices: readonly number[]
}

export interface KernelWord {
  readonly settled: readonly number[]
  /** Whether it knows of all the job's tasks. */
  readonly isWhole: boolean
}

export function parseKernelQuestion(bytes: Uint8Array): KernelQuestion | undefined {
  const question = parseJson(bytes)
  return isText(question?.jobId) && isCounts(question.indices)
    ? (question as unknown as KernelQuestion)
    : undefined
}

export function parseKernelAnswer(bytes: Uint8Array): KernelWord | undefined {
  const word = parseJson(bytes)
  return isCounts(word?.settled) && typeof word?.isWhole === "boolean"
    ? (word as unknown as KernelWord)
    : undefined
}

function parseJson(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    return (JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null) ?? undefined
  } catch {
    return undefined
  }
}

/** An agent of itself, every few seconds and when something changed. */
export interface AgentWord {
  readonly type: "agent"
  /** Unique: a new one for each start. */
  readonly agent: string
  /** Machine it runs on. */
  readonly host: string
  readonly state: "ready" | "draining" | "gone"
  /** Why it is not ready. */
  readonly reason?: string | undefined
  readonly workers: number
  readonly idle: number
  /** Its worker processes: name and whether one is at work. */
  readonly processes: readonly { readonly name: string; readonly busy: boolean }[]
  /** Processor load of the machine over a minute, and memory in use, 0 to 1. */
  readonly load: number
  readonly memory: number
  readonly version: string
}

/** From a kernel, or whoever is attached to a job, to all agents. */
export type Order =
  | { readonly type: "who" }
  /** Ends these tasks of one batch; without `indices`, all of these batches, also those that come later. */
  | {
      readonly type: "cancel"
      readonly batches: readonly string[]
      readonly indices?: readonly number[] | undefined
      readonly graceMs: number
    }
  /** Ends what runs of a job, or these tasks of it. Its kernel hears that, too. */
  | {
      readonly type: "cancelJob"
      readonly jobId: string
      readonly indices?: readonly number[] | undefined
      readonly graceMs: number
    }
  | { readonly type: "takeBack"; readonly batch: string }
  /** Nothing of the job comes any more. */
  | { readonly type: "forget"; readonly jobId: string }
  /** What agents are let in with from now on. */
  | { readonly type: "renew"; readonly credentials: string }
  /** Ends agents when their tasks have ended: all, or those of one machine. */
  | { readonly type: "drain"; readonly host?: string | undefined; readonly reason: string }

/** A message of an agent as it came, or undefined where it is none. */
export function parseAgentMessage(value: unknown): AgentMessage | undefined {
  const message = value as Record<string, unknown> | null
  if (typeof message !== "object" || message === null) return undefined
  const check = checks[message.type as AgentMessage["type"]]
  return typeof check === "function" && check(message) ? (value as AgentMessage) : undefined
}

const checks: Readonly<Record<AgentMessage["type"], (m: Record<string, unknown>) => boolean>> = {
  begun: (m) => isText(m.agent) && isCount(m.index),
  left: (m) => isText(m.agent),
  at: (m) => isText(m.object),
  done: (m) =>
    isText(m.worker) &&
    isCount(m.count) &&
    isCounts(m.segments) &&
    Array.isArray(m.measured) &&
    m.measured.every(Number.isFinite) &&
    Number.isFinite(m.peakMemoryBytes),
  ended: (m) => isCount(m.index) && isEnd(m.end),
  returned: (m) => isCounts(m.indices) && typeof m.suspect === "boolean",
  log: (m) => isCount(m.index) && (m.stream === "stdout" || m.stream === "stderr") && isText(m.text),
  closed: (m) => m.problem === undefined || isText(m.problem),
  started: (m) => isCount(m.index) && isText(m.worker) && Number.isFinite(m.atMs),
  progress: (m) =>
    isCount(m.index) && Number.isFinite(m.fraction) && (m.note === undefined || isText(m.note)),
}

function isEnd(value: unknown): boolean {
  const end = value as Record<string, unknown> | null
  if (typeof end !== "object" || end === null || !isText(end.worker)) return false
  switch (end.kind as WrittenEnd["kind"]) {
    case "threw":
      return (
        isText(end.name) &&
        isText(end.message) &&
        isText(end.stack) &&
        (end.error === undefined || isCount(end.error)) &&
        Number.isFinite(end.startedAtMs) &&
        Number.isFinite(end.endedAtMs)
      )
    case "lost":
      return isText(end.reason) && (end.deaths === undefined || isCount(end.deaths))
    case "timedOut":
      return Number.isFinite(end.startedAtMs)
    default:
      return false
  }
}

export function parseAgentWord(value: unknown): AgentWord | undefined {
  const word = value as Record<string, unknown> | null
  if (typeof word !== "object" || word === null || word.type !== "agent") return undefined
  const isProcess = (one: unknown) =>
    typeof one === "object" && one !== null && isText((one as Record<string, unknown>).name)
  const fits =
    isText(word.agent) &&
    isText(word.host) &&
    ["ready", "draining", "gone"].includes(word.state as string) &&
    isCount(word.workers) &&
    isCount(word.idle) &&
    Array.isArray(word.processes) &&
    word.processes.every(isProcess)
  return fits ? (value as AgentWord) : undefined
}

function isText(value: unknown): value is string {
  return typeof value === "string"
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}

function isCounts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isCount)
}
