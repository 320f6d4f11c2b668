import type * as z from "zod"
import type { Names } from "./classify.ts"
import type { Edit, Part } from "./edits.ts"

/** What a family of magics tells of each of its magics. */
export interface Magic {
  readonly name: string
  /** One sentence. */
  readonly summary: string
  readonly line?: LineMagic
  readonly cell?: CellMagic
  /** More of the help, as Markdown: what it gives, an example. */
  readonly details?: string
}

interface Arguments {
  /** Flags; none where absent. */
  readonly flags?: z.ZodObject
  /** What stands behind the name beside flags, for help: `JOB`, `NAME=VALUE`. */
  readonly words?: string
}

export interface LineMagic extends Arguments {
  /** Whether its arguments are TypeScript, and are completed as such. */
  readonly takesCode?: boolean
  /** The magic as TypeScript: an expression, or a statement where nothing takes its result. */
  translate(call: LineCall): readonly Part[]
}

export interface CellMagic extends Arguments {
  /** Whether the body runs in the notebook, so that it may hold magics itself. */
  readonly runsHere?: boolean
  /** Edits of the whole cell. */
  translate(call: CellCall): readonly Edit[]
}

interface Call {
  readonly notebook: Notebook
  /** What stands behind the name. */
  readonly args: string
  /** Offset of `args` in `code`. */
  readonly argsStart: number
  /** The cell. */
  readonly code: string
}

export interface LineCall extends Call {
  /** The variable of `x = %magic`; undefined where the magic is a statement of its own. */
  readonly assigned: string | undefined
  /** Whether `await` can be written here. */
  readonly canAwait: boolean
}

export interface CellCall extends Call {
  /** Offsets of the line of the magic, its line break not included. */
  readonly start: number
  readonly end: number
  /** Where the body begins. */
  readonly bodyStart: number
}

/** What magics ask of the notebook while they are translated. */
export interface Notebook extends Names {
  /** Names that code can refer to, for guessing what was meant. Slow: for messages only. */
  variables(): readonly string[]
  /** What a variable holds; undefined where there is none. */
  valueOf(name: string): unknown
  readonly magics: ReadonlyMap<string, Magic>
}

/** What translated magics call. The kernel defines it in the notebook before the first cell. */
export const runtimeName = "__cellfan"

/** A value as TypeScript. */
export function literal(value: unknown): string {
  return value === undefined ? "undefined" : JSON.stringify(value).replaceAll(/[\u2028\u2029]/g, escaped)
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16)}`
}
