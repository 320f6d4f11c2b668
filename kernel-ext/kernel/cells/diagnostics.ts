import type ts from "typescript"
import type { CellError, TypedSource } from "../types.ts"
import { codeFrame, colour } from "./code-frame.ts"
import { isModulesPage } from "./pages.ts"
import { PREFIX } from "./prefix.ts"
import { positionAt } from "./scripts.ts"
import { typescript } from "./typescript.ts"

const MAX_DIAGNOSTICS = 10

/** What TypeScript has against a cell, at the positions of what the user wrote. */
export function fromDiagnostics(
  diagnostics: readonly ts.Diagnostic[],
  typed: TypedSource,
  label: string,
  hint?: string,
): CellError {
  const shown = diagnostics.slice(0, MAX_DIAGNOSTICS).map((one) => describe(one, typed, label))
  const rest = diagnostics.length - shown.length
  const [first] = shown
  const isSyntax = diagnostics.every((one) => one.code < 2000)
  return {
    name: isSyntax ? "SyntaxError" : "TypeScriptError",
    message: `${first?.summary ?? ""}${diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : ""}`,
    traceback: [
      ...shown.map(({ text }) => text),
      ...(rest > 0 ? [`… and ${rest} more ${rest === 1 ? "error" : "errors"}`] : []),
      ...(hint === undefined ? [] : [hint]),
    ],
  }
}

function describe(diagnostic: ts.Diagnostic, typed: TypedSource, label: string) {
  const message = typescript().flattenDiagnosticMessageText(diagnostic.messageText, "\n")
  const { file, start = 0, length = 1 } = diagnostic
  // tslab's line stands before cells, those that are modules among them, and before no file of the notebook's.
  const isCell = file === undefined || file.text.startsWith(PREFIX) || isModulesPage(file.fileName)
  const where = isCell ? typed.toTyped(Math.max(0, start - PREFIX.length)) : start
  const text = isCell ? typed.text : file.text
  const { line, column } = positionAt(text, Math.min(where, text.length))
  const place = `${isCell ? label : file.fileName}:${line}:${column + 1}`
  const code = `TS${diagnostic.code}`
  return {
    summary: `${code}: ${message.split("\n")[0]} (${place})`,
    text: `${colour.bold(place)} - ${colour.red("error")} ${code}: ${message}\n\n${codeFrame(text, line, column, length)}\n${installing(message)}`,
  }
}

/** How to come by a package that is not there. */
function installing(message: string): string {
  const [, name] = /^Cannot find module '((?:@[^/']+\/)?[^/'.#:@][^/':]*)(?:\/[^']*)?' or/.exec(message) ?? []
  return name === undefined ? "" : `\nTo have it: npm install ${name}, in the notebook's folder.\n`
}
