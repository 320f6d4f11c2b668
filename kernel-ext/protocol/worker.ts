import type { JobStorage } from "./storage.ts"

/**
 * What a host and its worker say to each other. A message is a head (these types) and binary parts, which each type
 * lists; `Encoded` parts are its bytes, then its blobs.
 *
 * Tasks have a position: each worker counts the tasks it was ever handed, from 0. A batch holds the positions from
 * `base` on, and the worker runs them in that order, one at a time.
 */

export type ToWorker =
  /** A value that functions refer to by its hash. Parts: the value, encoded. Sent once to each worker, before them. */
  | { readonly type: "broadcast"; readonly hash: string }
  /** Npm packages in one file, for workers elsewhere. Parts: its code, as UTF-8. Sent once to each, before the functions that need it. */
  | { readonly type: "packages"; readonly hash: string }
  /** A function. Parts: captured data, encoded. Sent once to each worker. */
  | {
      readonly type: "ship"
      readonly hash: string
      readonly code: string
      readonly resolveFrom: string
      readonly imports: readonly string[]
      /** Hash of the packages that it finds its imports in; absent where they resolve from the folder. */
      readonly packages?: string | undefined
      /** The process that it comes from. */
      readonly origin?: string | undefined
    }
  /** What the tasks of a job have in common. Parts: extra arguments, encoded, where `extra` says so. */
  | {
      readonly type: "job"
      readonly job: number
      readonly jobId: string
      readonly hash: string
      readonly seed: number
      readonly env: Readonly<Record<string, string>>
      readonly storage?: JobStorage | undefined
      readonly extra: boolean
    }
  /** Tasks to run. Parts: their inputs, encoded each for itself. */
  | {
      readonly type: "run"
      readonly batch: number
      readonly job: number
      /** Counts how often the host took tasks back: a batch of an earlier epoch than the newest is void. */
      readonly epoch: number
      readonly base: number
      readonly count: number
      /** Index of the first task; the others follow it, unless `indices` names each. */
      readonly first: number
      readonly indices: Uint32Array | undefined
      /** Undefined: each runs for the first time. */
      readonly attempts: Uint16Array | undefined
      /** Positions of the tasks' inputs among those that came; undefined: all, in their order. */
      readonly picks?: Uint32Array | undefined
    }
  /** Aborts the signal of the task at `position`, if it still runs. */
  | { readonly type: "abort"; readonly position: number; readonly reason: "cancelled" | "timedOut" }
  /** Nothing more comes for these; what was kept for them may go. */
  | {
      readonly type: "forget"
      readonly jobs: readonly number[]
      readonly hashes: readonly string[]
      readonly broadcasts: readonly string[]
    }

/** A message on its way to a worker. */
export interface Sending {
  readonly message: ToWorker
  readonly parts: readonly Uint8Array[]
}

/** Messages to a worker that leave together: one head, whose parts are those of the first message, then of the second, … */
export interface Letter {
  readonly messages: readonly ToWorker[]
  readonly partCounts: readonly number[]
}

export function writeLetter(sendings: readonly Sending[]): { letter: Letter; parts: Uint8Array[] } {
  const messages = sendings.map(({ message }) => message)
  const partCounts = sendings.map(({ parts }) => parts.length)
  return { letter: { messages, partCounts }, parts: sendings.flatMap(({ parts }) => parts) }
}

export function readLetter(
  { messages, partCounts }: Letter,
  parts: readonly Uint8Array[],
  receive: (message: ToWorker, parts: readonly Uint8Array[]) => void,
): void {
  let at = 0
  messages.forEach((message, i) => {
    const end = at + (partCounts[i] ?? 0)
    receive(message, parts.slice(at, end))
    at = end
  })
}

export type FromWorker =
  | { readonly type: "ready" }
  /**
   * The tasks of a batch from offset `from` on have ended, `count` of them.
   * Parts: when they began, then when they ended, in milliseconds since 1970 (2 × count float64); then the results of those
   * that did not fail, in order, in segments, each of them encoded.
   */
  | {
      readonly type: "report"
      readonly batch: number
      readonly from: number
      readonly count: number
      readonly failures: readonly Failure[]
      /** What was measured of tasks over a millisecond: offset, CPU time in ms, peak memory of the worker in bytes, flat. */
      readonly slow: readonly number[]
      /** The most memory the worker had so far: for the quick tasks, which are not measured one by one. */
      readonly peakMemoryBytes: number
      /** How many blobs each segment has. */
      readonly segments: readonly number[]
    }
  | {
      readonly type: "log"
      readonly job: number
      readonly index: number
      readonly stream: LogStream
      readonly text: string
    }
  | {
      readonly type: "progress"
      readonly job: number
      readonly index: number
      readonly fraction: number
      readonly note: string | undefined
    }
  /** Last words: the process ends because the running task, or its leftovers, said so. */
  | { readonly type: "exiting"; readonly position: number | undefined; readonly reason: string }

export type LogStream = "stdout" | "stderr"

export interface Failure {
  /** Counted from the beginning of the batch. */
  readonly offset: number
  readonly name: string
  readonly message: string
  readonly stack: string
  /** What was thrown, if it can be sent. */
  readonly error: { readonly bytes: Uint8Array; readonly blobs: readonly Uint8Array[] } | undefined
}

/** A message as it came, or undefined where it is none of ours: user code can write to any descriptor. */
export function parseFromWorker(head: unknown): FromWorker | undefined {
  if (typeof head !== "object" || head === null) return undefined
  const message = head as Record<string, unknown>
  return checks[message.type as FromWorker["type"]]?.(message) === true ? (head as FromWorker) : undefined
}

const checks: Readonly<Record<FromWorker["type"], (message: Record<string, unknown>) => boolean>> = {
  ready: () => true,
  report: (m) =>
    isCount(m.batch) &&
    isCount(m.from) &&
    isCount(m.count) &&
    Array.isArray(m.failures) &&
    m.failures.every(isFailure) &&
    Array.isArray(m.slow) &&
    isCount(m.peakMemoryBytes) &&
    Array.isArray(m.segments) &&
    m.segments.every(isCount),
  log: (m) =>
    isCount(m.job) &&
    isCount(m.index) &&
    (m.stream === "stdout" || m.stream === "stderr") &&
    typeof m.text === "string",
  progress: (m) =>
    isCount(m.job) &&
    isCount(m.index) &&
    typeof m.fraction === "number" &&
    (m.note === undefined || typeof m.note === "string"),
  exiting: (m) => typeof m.reason === "string" && (m.position === undefined || isCount(m.position)),
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}

function isFailure(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  const failure = value as Record<string, unknown>
  return (
    isCount(failure.offset) &&
    typeof failure.name === "string" &&
    typeof failure.message === "string" &&
    typeof failure.stack === "string"
  )
}

/**
 * The control channel goes to a thread of the worker that user code cannot block. Requests and answers have a fixed length.
 */
export const Control = { probe: 1, takeBack: 2 } as const

export const controlRequestBytes = 12

export interface ControlRequest {
  readonly what: number
  readonly id: number
  /** For takeBack: the epoch that becomes void. */
  readonly epoch: number
}

export function encodeControlRequest({ what, id, epoch }: ControlRequest): Uint8Array {
  return new Uint8Array(Uint32Array.of(what, id, epoch).buffer)
}

export function decodeControlRequest(bytes: Uint8Array): ControlRequest {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { what: view.getUint32(0, true), id: view.getUint32(4, true), epoch: view.getUint32(8, true) }
}

export const controlReplyBytes = 24

export interface ControlReply {
  readonly id: number
  /** The next position that would start; after takeBack, nothing from here on does. -1: nothing of the epoch has begun. */
  readonly next: number
  /** Whether the task before `next` is still running. */
  readonly busy: boolean
  /** When it began, in milliseconds since 1970. */
  readonly startedAtMs: number
}

export function encodeControlReply(reply: ControlReply): Uint8Array {
  const bytes = new Uint8Array(controlReplyBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, reply.id, true)
  view.setInt32(4, reply.next, true)
  view.setUint32(8, reply.busy ? 1 : 0, true)
  view.setFloat64(16, reply.startedAtMs, true)
  return bytes
}

export function decodeControlReply(bytes: Uint8Array): ControlReply {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return {
    id: view.getUint32(0, true),
    next: view.getInt32(4, true),
    busy: view.getUint32(8, true) === 1,
    startedAtMs: view.getFloat64(16, true),
  }
}
