import type ts from "typescript"
import { deferredImports } from "./deferred-imports.ts"
import { type NamedModules, namedModules } from "./named-modules.ts"
import { refuseTooDeep } from "./nesting.ts"
import { PREFIX } from "./prefix.ts"
import { typescript } from "./typescript.ts"

/** What the text of a cell says about it, before types come in. */
export interface CellSource {
  /** The cell with `export` blanked out where it stands before a declaration: names of a cell are everyone's anyway. */
  readonly text: string
  /** What it declares of modules that are not there. */
  readonly modules: NamedModules
  /** Names it declares, also by `var` in a block; types among them. */
  readonly names: readonly string[]
  /** Whether the last statement that does anything is an expression: its value is the cell's. */
  readonly endsInExpression: boolean
  /** `// @ts-nocheck` stands before the first statement. */
  readonly unchecked: boolean
  /** The type that each variable was declared with, where one is written. */
  readonly annotations: ReadonlyMap<string, string>
  /** Imports that cannot be had. */
  readonly deferredImports: readonly ts.Diagnostic[]
  /** Text of each top-level function and class by name, for inspection. */
  readonly definitions: ReadonlyMap<string, string>
}

/** `jsx`: whether `<` may begin an element. `isThere`: whether a module can be imported. */
export function readCell(code: string, jsx: boolean, isThere: (module: string) => boolean): CellSource {
  const file = parse(code, jsx)
  refuseTooDeep(file)
  const modules = namedModules(withoutExports(code, file), file, isThere)
  const comments = leadingComments(code)
  return {
    text: modules.text,
    modules,
    names: namesOf(file),
    endsInExpression: endsInExpression(file),
    unchecked: /^\/\/+\s*@ts-nocheck\b/m.test(comments) || /^\/\*\*?\s*@ts-nocheck\b/m.test(comments),
    annotations: annotationsOf(file),
    definitions: definitionsOf(file),
    deferredImports: deferredImports(file),
  }
}

function annotationsOf(file: ts.SourceFile): Map<string, string> {
  const tsc = typescript()
  const found = new Map<string, string>()
  for (const { name, type } of variablesOf(file))
    if (tsc.isIdentifier(name) && type !== undefined)
      found.set(name.text, file.text.slice(type.getStart(file), type.end))
  return found
}

/** The variables that are declared at the top. */
export function variablesOf(file: ts.SourceFile): ts.VariableDeclaration[] {
  const tsc = typescript()
  return file.statements.filter(tsc.isVariableStatement).flatMap((one) => one.declarationList.declarations)
}

/** The cell as a module, which may wait at its top; positions are those in PREFIX + code. */
export function parse(code: string, jsx: boolean): ts.SourceFile {
  const tsc = typescript()
  const kind = jsx ? tsc.ScriptKind.TSX : tsc.ScriptKind.TS
  return tsc.createSourceFile("cell.ts", PREFIX + code, tsc.ScriptTarget.Latest, false, kind)
}

function namesOf(file: ts.SourceFile): string[] {
  const tsc = typescript()
  tsc.bindSourceFile(file, {})
  const { locals } = file as unknown as { locals?: ReadonlyMap<ts.__String, ts.Symbol> }
  // `declare global` is bound to a name that nobody can write, and `declare module "x"` to one in quotes.
  return [...(locals?.keys() ?? [])]
    .filter((name) => name !== "__global" && !name.toString().startsWith('"'))
    .map(tsc.unescapeLeadingUnderscores)
}

/** Name that `@module NAME` in a first comment gives (tslab): the cell is a module, for others to import as `./NAME`. */
export function moduleName(code: string): string | undefined {
  if (!code.includes("@module")) return undefined
  const ranges = typescript().getLeadingCommentRanges(code, 0) ?? []
  const first = ranges.find(({ pos }) => code.startsWith("/**", pos))
  return first && /@module\s+(\w+)/.exec(code.slice(first.pos, first.end))?.[1]
}

function leadingComments(code: string): string {
  const ranges = typescript().getLeadingCommentRanges(code, 0) ?? []
  return ranges.map((range) => code.slice(range.pos, range.end)).join("\n")
}

/** Positions stay: each `export` becomes as many spaces. */
function withoutExports(code: string, file: ts.SourceFile): string {
  const tsc = typescript()
  let text = code
  for (const statement of file.statements) {
    if (!tsc.canHaveModifiers(statement)) continue
    const modifiers = statement.modifiers ?? []
    if (modifiers.some((one) => one.kind === tsc.SyntaxKind.DefaultKeyword) && !hasName(statement)) continue
    for (const modifier of modifiers) {
      if (modifier.kind !== tsc.SyntaxKind.ExportKeyword && modifier.kind !== tsc.SyntaxKind.DefaultKeyword)
        continue
      const start = modifier.getStart(file) - PREFIX.length
      const end = modifier.end - PREFIX.length
      text = text.slice(0, start) + " ".repeat(end - start) + text.slice(end)
    }
  }
  return text
}

function hasName(statement: ts.Statement): boolean {
  return (statement as { name?: ts.Node }).name !== undefined
}

function endsInExpression(file: ts.SourceFile): boolean {
  const tsc = typescript()
  const last = file.statements.findLast(
    (statement) =>
      !tsc.isEmptyStatement(statement) &&
      !tsc.isInterfaceDeclaration(statement) &&
      !tsc.isTypeAliasDeclaration(statement) &&
      !tsc.isExportDeclaration(statement),
  )
  return last !== undefined && (tsc.isExpressionStatement(last) || tsc.isExportAssignment(last))
}

function definitionsOf(file: ts.SourceFile): Map<string, string> {
  const tsc = typescript()
  const found = new Map<string, string>()
  for (const statement of file.statements) {
    const text = () => file.text.slice(statement.getStart(file), statement.end)
    if (tsc.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations)
        if (tsc.isIdentifier(name)) found.set(name.text, text())
    } else {
      const { name } = statement as { name?: ts.Node }
      if (name !== undefined && tsc.isIdentifier(name)) found.set(name.text, text())
    }
  }
  return found
}
