import type ts from "typescript"
import type { Completeness } from "../types.ts"
import { PREFIX } from "./prefix.ts"
import { parse } from "./source.ts"
import { typescript } from "./typescript.ts"

const UNTERMINATED_TEMPLATE = 1160
const UNTERMINATED_COMMENT = 1010
const UNCLOSED_ELEMENT = 17008
const UNCLOSED_FRAGMENT = 17014
const UNTERMINATED_STRING = 1002

/** Whether more is to come: everything that is wrong with the text is that it ends. */
export function isComplete(code: string, jsx: boolean): Completeness {
  const file = parse(code, jsx)
  const problems = (file as unknown as { parseDiagnostics: readonly ts.DiagnosticWithLocation[] })
    .parseDiagnostics
  const end = endOfCode(code)
  if (problems.length === 0) {
    // `let a = 1,` parses; only the checker is against it.
    return code[end - 1] === ","
      ? { status: "incomplete", indent: indentAfter(code) }
      : { status: "complete" }
  }
  if (!problems.every((one) => isForMore(one, code, end))) return { status: "invalid" }
  const inText = problems.some(
    (one) => one.code === UNTERMINATED_TEMPLATE || one.code === UNTERMINATED_COMMENT,
  )
  return { status: "incomplete", indent: inText ? "" : indentAfter(code) }
}

/** What is told where it begins, though it is the end that is missing. */
const toldAtStart = new Set([
  UNTERMINATED_TEMPLATE,
  UNTERMINATED_COMMENT,
  UNCLOSED_ELEMENT,
  UNCLOSED_FRAGMENT,
])

function isForMore({ code: problem, start }: ts.DiagnosticWithLocation, code: string, end: number): boolean {
  if (toldAtStart.has(problem)) return true
  // A string goes on in the next line after a backslash only.
  if (problem === UNTERMINATED_STRING) return /\\\n?$/.test(code)
  return start - PREFIX.length >= end
}

/** Where the code ends, whatever blank space and comments follow. */
function endOfCode(code: string): number {
  const tsc = typescript()
  let end = code.trimEnd().length
  const scanner = tsc.createScanner(tsc.ScriptTarget.Latest, true, tsc.LanguageVariant.Standard, code)
  let last = 0
  for (let kind = scanner.scan(); kind !== tsc.SyntaxKind.EndOfFileToken; kind = scanner.scan())
    last = scanner.getTokenEnd()
  if (last > 0) end = Math.min(end, last)
  return end
}

const STEP = "  "

function indentAfter(code: string): string {
  const line = code.slice(code.lastIndexOf("\n") + 1)
  const indent = /^\s*/.exec(line)?.[0] ?? ""
  const bare = line.replace(/\/\/.*$/, "").replace(/(["'`])(?:\\.|(?!\1)[^\\])*\1/g, "")
  const opened = (bare.match(/[{([]/g) ?? []).length - (bare.match(/[})\]]/g) ?? []).length
  return opened > 0 || /=>\s*$/.test(bare) ? indent + STEP : indent
}
