import type ts from "typescript"
import type { Completion } from "../types.ts"
import type { Compiler } from "./compiler.ts"
import type { Declarations } from "./declarations.ts"
import { PREFIX } from "./prefix.ts"
import { typescript } from "./typescript.ts"

/** Signatures take the checker some time each; only the first matches get theirs. */
const MAX_SIGNATURES = 50
const SIGNATURES_BUDGET_MS = 60
const MAX_SIGNATURE_LENGTH = 200

export function complete(
  compiler: Compiler,
  declarations: Declarations,
  code: string,
  offset: number,
): Completion {
  const found = compiler.complete(declarations, code, offset)
  const info = found.original as ts.CompletionInfo | undefined
  const entries = new Map(info?.entries.map((entry) => [entry.name, entry]))
  const { start, end, names } = isInString(code, offset)
    ? inString(info, code, offset)
    : { start: found.start, end: found.end, names: found.candidates }
  const signatures = compiler.signatures(
    code,
    offset,
    names.slice(0, MAX_SIGNATURES).flatMap((name) => entries.get(name) ?? []),
    SIGNATURES_BUDGET_MS,
  )
  return {
    start,
    end,
    matches: startingWith(names, code.slice(start, offset)).map((text) => {
      const signature = signatures.get(text)?.slice(0, MAX_SIGNATURE_LENGTH)
      return { text, type: kindOf(entries.get(text)), ...(signature && { signature }) }
    }),
  }
}

/** tslab also offers names that contain what was typed; they are welcome where no name begins with it. */
function startingWith(names: readonly string[], typed: string): readonly string[] {
  const lower = typed.toLowerCase()
  const better = names.filter((name) => name.toLowerCase().startsWith(lower))
  return better.length > 0 ? better : names
}

function isInString(code: string, offset: number): boolean {
  const tsc = typescript()
  const file = tsc.createSourceFile("cell.ts", code, tsc.ScriptTarget.Latest, false)
  let found = false
  const visit = (node: ts.Node): void => {
    if (offset <= node.pos || offset > node.end) return
    if (tsc.isStringLiteralLike(node) && offset > node.getStart(file))
      found = offset < node.end || isOpen(node, code)
    tsc.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function isOpen(node: ts.StringLiteralLike, code: string): boolean {
  return (
    (node as { isUnterminated?: boolean }).isUnterminated === true || !/["'`]/.test(code[node.end - 1] ?? "")
  )
}

/** Module names, paths and literals: what is replaced is the part of the string that the entry says, or its last segment. */
function inString(info: ts.CompletionInfo | undefined, code: string, offset: number) {
  const entries = info?.entries ?? []
  const span =
    entries.find((entry) => entry.replacementSpan)?.replacementSpan ?? info?.optionalReplacementSpan
  const segment = /[^"'`/]*$/.exec(code.slice(0, offset))?.[0].length ?? 0
  const start = span === undefined ? offset - segment : span.start - PREFIX.length
  const end = span === undefined ? offset : span.start - PREFIX.length + span.length
  return { start, end, names: entries.map((entry) => entry.name).sort() }
}

function kindOf(entry: ts.CompletionEntry | undefined): string {
  const kind = entry?.kind ?? ""
  if (/module name$/.test(kind)) return "module"
  return /^(?:const|let|var|local var|parameter|using|await using)$/.test(kind) ? "variable" : kind
}
