/**
 * Every error a user may want to catch. Bad arguments throw TypeError or RangeError, as in the platform.
 * Messages are sentences: they name the thing, what was got, what is taken, and what to do. What an error carries beside its message
 * stands behind getters, so that printing it shows message, stack and cause and not the message's parts once more.
 */

import { letTravel } from "./util/own.ts"

/** Something that a function refers to cannot be sent to a worker. `path` leads to it from the function. */
export class CaptureError extends Error {
  override readonly name = "CaptureError"
  readonly #path: readonly string[]

  constructor(message: string, options: { path: readonly string[]; cause?: unknown }) {
    super(message, options)
    this.#path = options.path
  }

  get path(): readonly string[] {
    return this.#path
  }
}

/** What the worker knew about a task that failed. */
export interface TaskErrorDetails {
  readonly index: number
  readonly attempt: number
  readonly worker: string | undefined
  readonly logs: readonly { readonly stream: "stdout" | "stderr"; readonly text: string }[]
  /** Name and message of what was thrown, as the worker saw them. */
  readonly remoteName: string
  readonly remoteMessage: string
}

/** A task's function threw. `stack` is the remote one, on the cell's own TypeScript lines; `cause` is what was thrown. */
export class TaskError extends Error {
  override readonly name: string = "TaskError"
  readonly #details: TaskErrorDetails

  constructor(message: string, details: TaskErrorDetails, options: { stack: string; cause?: unknown }) {
    super(message, options)
    this.#details = details
    this.stack = options.stack
  }

  get details(): TaskErrorDetails {
    return this.#details
  }

  get index(): number {
    return this.#details.index
  }
}

/** The worker went away under the task: killed, out of memory, process.exit. */
export class WorkerLostError extends TaskError {
  override readonly name = "WorkerLostError"
}

/** The task ran longer than `timeoutMs`. */
export class TimeoutError extends TaskError {
  override readonly name = "TimeoutError"
}

/** The task was cancelled before it had a result. */
export class CancelledError extends Error {
  override readonly name = "CancelledError"
}

/** Some tasks of a job failed. `errors` has one per failed task, in the order of the inputs. */
export class JobError extends Error {
  override readonly name = "JobError"
  readonly #jobId: string
  readonly #errors: readonly Error[]

  constructor(message: string, options: { jobId: string; errors: readonly Error[]; cause?: unknown }) {
    super(message, options)
    this.#jobId = options.jobId
    this.#errors = options.errors
  }

  get jobId(): string {
    return this.#jobId
  }

  get errors(): readonly Error[] {
    return this.#errors
  }
}

/** A setting is wrong. The message says which, where it was read, what it got and what it takes. */
export class ConfigError extends Error {
  override readonly name = "ConfigError"
  readonly #key: string

  constructor(message: string, options: { key: string; cause?: unknown }) {
    super(message, options)
    this.#key = options.key
  }

  get key(): string {
    return this.#key
  }
}

/** Why a backend could not do what it was asked. */
export type BackendErrorKind =
  /** More calls than it takes now. */
  | "throttled"
  /** A call ran into the platform's own limit of time. */
  | "timeout"
  | "out-of-memory"
  /** What runs the tasks died. */
  | "crashed"
  /** What runs the tasks could not start. */
  | "init"
  | "too-large"
  | "credentials"
  | "access-denied"
  /** The role that functions are to run as cannot be used. */
  | "role"
  | "region"
  | "quota"
  | "network"
  /** The service failed, or said that it cannot answer now. */
  | "unavailable"
  | "not-found"
  /** A package is not installed, or an option contradicts another: the message says how to set it up. */
  | "setup"
  | "other"

/** A backend could not do what it was asked. */
export class BackendError extends Error {
  override readonly name = "BackendError"
  readonly #details: BackendErrorDetails

  constructor(message: string, options: BackendErrorDetails & { cause?: unknown }) {
    const { cause } = options
    super(message, cause === undefined ? undefined : { cause })
    this.#details = options
  }

  get backend(): string {
    return this.#details.backend
  }

  get retryable(): boolean {
    return this.#details.retryable
  }

  get kind(): BackendErrorKind {
    return this.#details.kind ?? "other"
  }

  /** What the service calls the request; its operators ask for it. */
  get requestId(): string | undefined {
    return this.#details.requestId
  }

  /** How long the service asks to wait before the next try. */
  get retryAfterMs(): number | undefined {
    return this.#details.retryAfterMs
  }
}

export interface BackendErrorDetails {
  readonly backend: string
  readonly retryable: boolean
  readonly kind?: BackendErrorKind
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number | undefined
}

/** Why a storage could not do what it was asked. */
export type StorageErrorKind =
  | "not-found"
  | "access-denied"
  | "exists"
  /** The range begins after the object's end. */
  | "range"
  | "throttled"
  /** The server failed, or said that it cannot answer now. */
  | "unavailable"
  | "network"
  | "no-space"
  /** The storage, its bucket or its SDK is not set up: the message says how. */
  | "setup"
  | "other"

/** A storage could not do what it was asked. The message names backend, bucket and key; `kind` is for programs. */
export class StorageError extends Error {
  override readonly name = "StorageError"
  readonly #details: StorageErrorDetails

  constructor(message: string, details: StorageErrorDetails, options?: ErrorOptions) {
    super(message, options)
    this.#details = details
  }

  get kind(): StorageErrorKind {
    return this.#details.kind
  }

  get backend(): string {
    return this.#details.backend
  }

  get bucket(): string | undefined {
    return this.#details.bucket
  }

  get key(): string | undefined {
    return this.#details.key
  }

  /** What the server calls the request; its operators ask for it. */
  get requestId(): string | undefined {
    return this.#details.requestId
  }

  /** Whether the same call may do better later. It was repeated already where that was safe. */
  get retryable(): boolean {
    return ["throttled", "unavailable", "network"].includes(this.#details.kind)
  }

  // A task that fails with one hands on more than its message: its caller may look at `kind`.
  static {
    letTravel(
      StorageError,
      "StorageError",
      (error) => ({ message: error.message, stack: error.stack, details: error.#details }),
      (data) => {
        const { message, stack, details } = data as {
          message: string
          stack: string
          details: StorageErrorDetails
        }
        const error = new StorageError(String(message), details)
        error.stack = String(stack)
        return error
      },
    )
  }
}

export interface StorageErrorDetails {
  readonly kind: StorageErrorKind
  readonly backend: string
  readonly bucket?: string | undefined
  readonly key?: string | undefined
  readonly requestId?: string | undefined
}

/** A magic or a command was used wrongly. It has no stack: what was typed is what is wrong, as in IPython. */
export class UsageError extends Error {
  override readonly name = "UsageError"

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.stack = `UsageError: ${message}`
  }
}
