import type { CellBindings } from "../capture/types.ts"

/** The seams inside the kernel: the server speaks the protocol, the interpreter runs code, and cells carry output between them. */

/** A MIME bundle: `data` by type; `metadata` by type where a type has some. */
export interface DisplayBundle {
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
  /** With it, `updateDisplayData` reaches the output again. */
  readonly displayId?: string
}

/** Where the output of one execute_request goes, also after the cell has ended. Calls never throw; they queue. */
export interface CellOutput {
  stream(name: "stdout" | "stderr", text: string): void
  displayData(bundle: DisplayBundle): void
  updateDisplayData(bundle: DisplayBundle & { readonly displayId: string }): void
  clearOutput(wait: boolean): void
}

/** One run of one cell. */
export interface Cell {
  /** msg_id of its execute_request. */
  readonly id: string
  readonly executionCount: number
  readonly silent: boolean
  /** Typed where an output that was written cannot be renewed. */
  readonly atTerminal?: boolean
  readonly output: CellOutput
  /** Aborted when the user interrupts the cell. */
  readonly signal: AbortSignal
  /** The same without the wait for an event, which a loop of microtasks never lets come. Where absent, the signal tells. */
  isInterrupted?(): boolean
}

export interface CellError {
  readonly name: string
  readonly message: string
  /** Lines as Jupyter shows them: header, frames on the cell's own lines; may hold ANSI colours. */
  readonly traceback: readonly string[]
}

export type CellOutcome =
  /** `bundle` is absent where the cell's last statement has no value to show. */
  | { readonly status: "ok"; readonly bundle?: DisplayBundle }
  | { readonly status: "error"; readonly error: CellError }

export interface Completion {
  readonly matches: readonly { readonly text: string; readonly type?: string; readonly signature?: string }[]
  /** UTF-16 offsets in the code as typed. */
  readonly start: number
  readonly end: number
}

export type Completeness =
  | { readonly status: "complete" | "invalid" | "unknown" }
  | { readonly status: "incomplete"; readonly indent: string }

/** Runs TypeScript, cell by cell. All offsets are UTF-16 offsets in the code as typed. */
export interface Interpreter {
  readonly bindings: CellBindings
  /** Loads the compiler, so that the first cell does not wait for it. Blocks for some hundred milliseconds: call it when idle. */
  warm(): void
  /** Runs `code`. Where magics made it from something else, `typed` takes positions in errors back to what the user wrote. */
  run(code: string, cell: Cell, typed?: TypedSource): Promise<CellOutcome>
  complete(code: string, offset: number): Completion
  /** MIME bundle of type and documentation; undefined where nothing is known. */
  inspect(code: string, offset: number, detail: 0 | 1): DisplayBundle | undefined
  isComplete(code: string): Completeness
  /** What a cell shows for something thrown outside `run`: by a timer, an event, or a promise that nobody awaits. */
  explain(thrown: unknown): CellError
  /** Binds `name` as if a cell had declared it with this TypeScript type. */
  define(name: string, value: unknown, type: string): void
  close(): Promise<void>
}

/** What the user typed, where the code that runs was made from it. */
export interface TypedSource {
  readonly text: string
  /** Offset in the code that runs → offset in `text`. */
  toTyped(offset: number): number
}

/**
 * Turns magics into TypeScript before the interpreter sees them, and answers for them in completion and inspection.
 * `withMagics(interpreter)` in magics/magics.ts puts them before an interpreter; the server speaks to what it returns.
 */
export interface Magics {
  /**
   * The cell as plain TypeScript. Lines keep their numbers; `toTyped` takes a position in the result back to the cell as typed.
   * Throws a UsageError where a magic is used wrongly.
   */
  transform(code: string): MagicTransform
  /** As `transform`, for tools that look at a cell while it is being typed: never throws. */
  transformUnfinished(code: string): MagicTransform
  /** Undefined where the offset is not within a magic's own words. */
  complete(code: string, offset: number): Completion | undefined
  inspect(code: string, offset: number): DisplayBundle | undefined
}

export interface MagicTransform {
  readonly code: string
  /** The cell as typed. */
  readonly typed: string
  /** Offset in `code` → offset in the cell as typed. */
  toTyped(offset: number): number
  /** Offset in the cell as typed → offset in `code`. */
  toCode(offset: number): number
}

/** A comm channel to one front end. */
export interface Comm {
  readonly id: string
  readonly target: string
  send(data: unknown, buffers?: readonly Uint8Array[], metadata?: Readonly<Record<string, unknown>>): void
  onMessage(listener: (data: unknown, buffers: readonly Uint8Array[]) => void): void
  onClose(listener: () => void): void
  close(data?: unknown): void
}

export interface Comms {
  /** Called for each comm a front end opens on `target`. */
  register(target: string, accept: (comm: Comm, data: unknown, buffers: readonly Uint8Array[]) => void): void
  /** Opens a comm from the kernel's side. */
  open(
    target: string,
    data: unknown,
    buffers?: readonly Uint8Array[],
    metadata?: Readonly<Record<string, unknown>>,
  ): Comm
}
