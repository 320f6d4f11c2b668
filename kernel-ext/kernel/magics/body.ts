import type ts from "typescript"
import { typescript } from "../cells/typescript.ts"
import type { Edit, Part } from "./edits.ts"
import { parse } from "./syntax.ts"

/**
 * The body of a cell magic: its last expression, and where code can be put around it. What is put in stands at the
 * end of a statement where it can, so that the body's own lines keep their columns.
 */

export interface Body {
  /** Where the statement before the last one ends; the end of the magic's line where there is none. */
  readonly beforeLast: number
  /** The last statement's expression; undefined where the body does not end in one. */
  readonly expression: { readonly start: number; readonly end: number } | undefined
  /** Where the last statement ends, before comments that follow it; the end of the magic's line where there is none. */
  readonly end: number
  /** Import statements, which cannot stand within a function. */
  readonly imports: readonly { readonly start: number; readonly end: number }[]
}

/**
 * Reads `code` from `start` on, which stands below a line that ends at `lineEnd`; `inFunction` where it is going to
 * stand within an async function.
 */
export function readBody(code: string, lineEnd: number, start: number, inFunction: boolean): Body {
  const opening = inFunction ? "async()=>{" : ""
  const { file } = parse(opening + code.slice(start) + (inFunction ? "\n}" : ""))
  const shift = start - opening.length
  const statements = inFunction ? functionBody(file) : file.statements
  const last = statements.at(-1)
  const beforeLast = statements.at(-2)
  const expression =
    last !== undefined && typescript().isExpressionStatement(last) ? last.expression : undefined
  return {
    beforeLast: beforeLast === undefined ? lineEnd : beforeLast.end + shift,
    expression: expression && {
      start: expression.getStart() + shift,
      end: Math.min(expression.end + shift, code.length),
    },
    end: last === undefined ? lineEnd : Math.min(last.end + shift, code.length),
    imports: statements
      .filter(typescript().isImportDeclaration)
      .map((node) => ({ start: node.getStart() + shift, end: node.end + shift })),
  }
}

function functionBody(file: ts.SourceFile): readonly ts.Statement[] {
  const [statement] = file.statements
  if (statement === undefined || !typescript().isExpressionStatement(statement)) return []
  const { expression } = statement
  if (!typescript().isArrowFunction(expression) || !typescript().isBlock(expression.body)) return []
  return expression.body.statements
}

/** Edits that put `before` and `after` around the last expression, if there is one. */
export function aroundResult(body: Body, before: string, after: string): Edit[] {
  if (body.expression === undefined) return []
  const { end } = body.expression
  return [
    { start: body.beforeLast, end: body.beforeLast, parts: [`;${before}`] },
    { start: end, end, parts: [after] },
  ]
}

/** Edits that take the imports out of the body, keeping its lines, and the parts that put them on one line elsewhere. */
export function hoistImports(code: string, body: Body): { edits: Edit[]; parts: Part[] } {
  const parts: Part[] = []
  const edits = body.imports.map(({ start, end }) => {
    for (const token of tokens(code.slice(start, end))) {
      parts.push({ start: start + token.start, end: start + token.end }, " ")
    }
    parts.push(";")
    return { start, end, parts: [code.slice(start, end).replaceAll(/[^\r\n]/g, " ")] }
  })
  return { edits, parts }
}

function tokens(text: string): { start: number; end: number }[] {
  const scanner = typescript().createScanner(
    typescript().ScriptTarget.Latest,
    true,
    typescript().LanguageVariant.Standard,
    text,
  )
  const found: { start: number; end: number }[] = []
  while (scanner.scan() !== typescript().SyntaxKind.EndOfFileToken)
    found.push({ start: scanner.getTokenStart(), end: scanner.getTokenEnd() })
  return found
}

/** A line's code: one expression, or statements. Undefined where it does not parse. */
export function readLine(
  code: string,
): { readonly kind: "expression" | "statements"; readonly start: number; readonly end: number } | undefined {
  const { file, errors } = parse(code)
  const [first] = file.statements
  const last = file.statements.at(-1)
  if (errors.length > 0 || first === undefined || last === undefined) return undefined
  if (first !== last || !typescript().isExpressionStatement(first))
    return { kind: "statements", start: first.getStart(), end: last.end }
  return { kind: "expression", start: first.expression.getStart(), end: first.expression.end }
}
