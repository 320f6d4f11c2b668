import { bundleContent } from "../publish.ts"
import type { CellOutcome, Interpreter } from "../types.ts"

/** `NAME?` and `NAME??`, or `?NAME`, as a cell's whole text: its documentation, in the front end's pager. As IPython has it. */

const NAME = "(%{0,2}[\\p{L}_$][\\p{L}\\p{N}_$.]*)"
const MARKS = "(\\?{1,2})"
const QUESTION = new RegExp(`^\\s*(?:${NAME}${MARKS}|${MARKS}${NAME})\\s*;?\\s*$`, "u")

export interface Page {
  readonly outcome: CellOutcome
  readonly payload: readonly object[]
}

/** Undefined where the cell is not such a question. */
export function pageOf(code: string, interpreter: Interpreter): Page | undefined {
  const found = QUESTION.exec(code)
  if (found === null) return undefined
  const [, before = "", marksAfter = "", marksBefore = "", after = ""] = found
  const name = before + after
  const marks = marksAfter + marksBefore
  const bundle = interpreter.inspect(name, name.length, marks.length === 2 ? 1 : 0)
  if (bundle === undefined) {
    const data = { "text/plain": `Object \`${name}\` not found.` }
    return { outcome: { status: "ok", bundle: { data } }, payload: [] }
  }
  const { data } = bundleContent(bundle)
  return { outcome: { status: "ok" }, payload: [{ source: "page", data, start: 0 }] }
}
