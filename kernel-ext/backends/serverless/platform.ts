import type { BackendError, BackendErrorKind } from "../../errors.ts"
import type { InvocationEnd, InvocationEvent } from "../../protocol/invocation.ts"
import type { Answer } from "./answer.ts"
import type { PaceOptions } from "./pace.ts"

/**
 * A serverless platform, as little of it as a provider has to know: how a function is made, called, listed and deleted, and
 * what is special about it. Whatever fails is thrown as a BackendError whose kind says what it means (retry.ts: what is then done)
 * and whose message says what a user can do.
 */
export interface Platform {
  /** "aws_lambda": in options, messages and views. */
  readonly name: string
  /** "Lambda": in sentences. */
  readonly title: string
  readonly limits: PlatformLimits
  /** What a function has whose tasks have no wishes of their own. */
  readonly size: FunctionSize
  /** Functions that share the calls, each of which scales for itself (default: 1). */
  readonly shards?: number | undefined
  /** How fast it scales (default: as Lambda). */
  readonly pace?: Omit<PaceOptions, "concurrency" | "random"> | undefined
  /** Whether functions answer in parts, so that logs and progress are seen live. */
  readonly streams: boolean
  /** Whether a call ends when its caller leaves, and with it the task that runs. Default: it goes on to its end. */
  readonly endsLeftCalls?: boolean | undefined
  /** What helps against throttling: 'A higher quota "Concurrent executions", or fewer `workers`, helps.' */
  readonly throttledHint: string

  /**
   * Finds credentials and place, before a thousand calls look for them at once. Called before anything else, and again where
   * it failed. Resolves with the place, for people: "eu-west-1".
   */
  open(): Promise<string>
  /** Makes the function, or finds that it is there; resolves when it can be called. Several processes may do so at once. */
  deploy(size: FunctionSize, around: Deploying): Promise<Callable>
  /** Those that cellfan has made, in the place and namespace that are configured. */
  list(): Promise<readonly ListedFunction[]>
  /** Deletes a function. Whether it was there. */
  remove(name: string): Promise<boolean>
  /** One call that was billed so long, in US dollars. */
  costUsd(billedMs: number, size: FunctionSize): number
  /** Ends connections. */
  close(): void
}

export interface PlatformLimits {
  /** Of a request. What is larger goes to storage. */
  readonly requestBytes: number
  /** Of an answer, for messages: workers hold to it themselves. */
  readonly answerBytes: number
  /** The longest that a function may be allowed to run. */
  readonly timeoutMs: number
  /** The most that a function may have, and the least (default: 1). */
  readonly memoryMiB: number
  readonly leastMemoryMiB?: number
}

/** What functions differ in that one executor may need. */
export interface FunctionSize {
  readonly memoryMiB: number
  readonly timeoutMs: number
}

export interface Deploying {
  /** One of several functions that are otherwise the same: 0, 1, … */
  readonly shard: number
  /** Tells in one line of text what takes long. */
  readonly say: (text: string) => void
  /** Aborted when nobody waits for it any more. */
  readonly signal: AbortSignal
}

/** A function that is there. */
export interface Callable {
  readonly name: string
  /**
   * Calls it once, without retries of its own; what comes goes to `answer`. Where no answer comes it throws a BackendError
   * or resolves with what became of the instance.
   *
   * @param signal Aborted when nobody waits for the answer any more.
   */
  call(event: InvocationEvent, answer: Answer, signal: AbortSignal): Promise<CallEnd>
}

/** How a call ended: as data, for whoever decides what is done about it. */
export type CallEnd =
  | { readonly kind: "answered"; readonly environment: string; readonly end: InvocationEnd }
  /** The platform says that the instance gave no answer of its own. */
  | { readonly kind: "died"; readonly death: Death; readonly billedMs: number }
  /** There is no answer; whether the tasks ran is not known. */
  | { readonly kind: "failed"; readonly error: BackendError }

/** What became of an instance that did not answer. */
export interface Death {
  readonly kind: Extract<BackendErrorKind, "timeout" | "out-of-memory" | "crashed" | "init" | "too-large">
  /** Follows "the worker": "ran out of memory: …", "ended: …". */
  readonly reason: string
}

/** A function that cellfan has made. */
export interface ListedFunction {
  readonly name: string
  readonly memoryMiB: number
  readonly timeoutMs: number
  /** As the platform calls it: "nodejs22.x". */
  readonly runtime: string
  readonly architecture: string
  readonly codeBytes?: number
  /** ISO 8601. */
  readonly modifiedAt: string
  /** Of cellfan that made it. */
  readonly version: string | undefined
}
