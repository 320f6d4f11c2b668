import type { ObjectReference, StorageDescription } from "./storage.ts"
import type { FromWorker, Sending } from "./worker.ts"

/**
 * One call of a serverless function: tasks there, and what became of them back.
 *
 *     host                                     environment
 *      │ InvocationEvent: needs, and what is new   │
 *      │ ────────────────────────────────────────→ │ one of: missing → the host sends it all
 *      │ ←─ AnswerBlock … AnswerBlock with `end` ─ │ reports, logs and progress; then how it ended
 *
 * An environment is one instance of the function: it runs one call at a time and keeps what it was sent for further ones.
 * The host trusts nothing in an answer: blocks are JSON and raw bytes, and are checked as they are read.
 */

/** An object, and how the storage that holds it is reached. */
export interface StoredObject extends ObjectReference {
  readonly storage: StorageDescription
}

/** What the function is called with. It goes as JSON. */
export interface InvocationEvent {
  readonly cellfan: 1
  readonly jobId: string
  /** What the tasks need to be there, in the order in which the worker takes it in. */
  readonly needs: readonly ContentKey[]
  /** Messages to the worker as frames, in base64: contents that may be new to the environment, and the run itself. */
  readonly body?: string
  /** Where the body stands that is larger than a request may be. */
  readonly bodyAt?: StoredObject
  /** Contents that stand in storage, and where. */
  readonly contentsAt?: Readonly<Record<ContentKey, StoredObject>>
  /** Where the answer goes that is larger than an answer may be. */
  readonly answerAt?: { readonly key: string; readonly storage: StorageDescription }
  /** Longest run of one task. */
  readonly timeoutMs?: number
}

/** Names what an environment keeps: `ship-HASH`, `packages-HASH`, `broadcast-HASH`, `job-ID`. */
export type ContentKey = string

/** The key of a message that is kept; undefined for one that is not. */
export function contentKey({ message }: Sending): ContentKey | undefined {
  switch (message.type) {
    case "ship":
    case "packages":
    case "broadcast":
      return `${message.type}-${message.hash}`
    case "job":
      return `job-${message.jobId}`
    default:
      return undefined
  }
}

export interface Said {
  readonly message: FromWorker
  readonly parts: readonly Uint8Array[]
}

/** A part of an answer. The last one has `end`. */
export interface AnswerBlock {
  /** Which instance of the function it is; the same name for as long as it lives. */
  readonly environment: string
  readonly said: readonly Said[]
  readonly end?: InvocationEnd
}

export interface InvocationEnd {
  /** How long its start took, if this was its first call. */
  readonly initMs?: number | undefined
  /** From when the call reached the function until this was written. */
  readonly durationMs: number
  readonly outcome: Outcome
}

export type Outcome =
  /** All tasks of the call were reported. */
  | { readonly kind: "ran" }
  /** None was begun: the environment has not been sent these. */
  | { readonly kind: "missing"; readonly keys: readonly ContentKey[] }
  /**
   * The task at `offset` ran too long: longer than its own limit, or until the function's time was up. Those after it have
   * not begun.
   */
  | {
      readonly kind: "timedOut"
      readonly offset: number
      readonly startedAtMs: number
      readonly limit: "task" | "function"
    }
  /** The worker died under the task at `offset`; under none, where that is absent. */
  | { readonly kind: "lost"; readonly offset?: number | undefined; readonly reason: string }
  /** The results are larger than an answer may be, and storage could not take them. */
  | { readonly kind: "tooLarge"; readonly sizeBytes: number; readonly problem: string }
  /** The event is not one that this function understands, or what it names could not be read. */
  | { readonly kind: "refused"; readonly problem: string }

/** What a function answers whose answer is one JSON value. */
export type BufferedAnswer =
  | { readonly cellfan: 1 /** Blocks, in base64. */; readonly body: string }
  | { readonly cellfan: 1 /** Where the blocks stand. */; readonly bodyAt: ObjectReference }

/** An outcome as it came, or undefined where it is none of these. */
export function parseEnd(value: unknown): InvocationEnd | undefined {
  const end = value as InvocationEnd | null
  if (typeof end !== "object" || end === null) return undefined
  if (typeof end.durationMs !== "number" || !isOutcome(end.outcome)) return undefined
  return end.initMs === undefined || typeof end.initMs === "number" ? end : undefined
}

function isOutcome(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  const outcome = value as Record<string, unknown>
  switch (outcome.kind as Outcome["kind"]) {
    case "ran":
      return true
    case "missing":
      return Array.isArray(outcome.keys) && outcome.keys.every((key) => typeof key === "string")
    case "timedOut":
      return isCount(outcome.offset) && typeof outcome.startedAtMs === "number"
    case "lost":
      return (outcome.offset === undefined || isCount(outcome.offset)) && typeof outcome.reason === "string"
    case "tooLarge":
      return isCount(outcome.sizeBytes) && typeof outcome.problem === "string"
    case "refused":
      return typeof outcome.problem === "string"
    default:
      return false
  }
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}
