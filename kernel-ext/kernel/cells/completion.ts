import type ts from "typescript"
import type { Completion } from "../types.ts"
import type { Compiler } from "./compiler.ts"

export function complete(compiler: Compiler, declarations: string, code: string, offset: number): Completion {
  const found = compiler.complete(declarations, code, offset)
  const entries = new Map(
    (found.original as ts.CompletionInfo | undefined)?.entries.map((one) => [one.name, one]),
  )
  return {
    start: found.start,
    end: found.end,
    matches: found.candidates.map((text) => ({ text, type: entries.get(text)?.kind ?? "" })),
  }
}
