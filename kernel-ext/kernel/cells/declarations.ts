import type ts from "typescript"
import { typescript } from "./typescript.ts"

/**
 * Declarations that tslab forgets after one cell: it knows variables, functions, classes, enums, types and imports,
 * but no namespaces and no `import x = …`. Adds those of `before` whose names `after` does not declare.
 */
export function carryOver(before: string, after: string): string {
  if (!/^\s*(?:export\s+|declare\s+)*(?:namespace|module|import\s+\w+\s*=)/m.test(before)) return after
  const taken = declaredNames(after)
  const missing = statementsOf(before).filter(
    ({ forgotten, names }) => forgotten && !names.some((name) => taken.has(name)),
  )
  return after + missing.map(({ text }) => `${text}\n`).join("")
}

/** `declarations` without these names, for what a cell declares and did not come to. */
export function without(declarations: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return declarations
  return statementsOf(declarations)
    .map((statement) => {
      if (!statement.names.some((name) => names.has(name))) return statement.text
      return statement.without(names)
    })
    .filter((text) => text !== "")
    .map((text) => `${text}\n`)
    .join("")
}

export function declaredNames(declarations: string): Set<string> {
  return new Set(statementsOf(declarations).flatMap(({ names }) => names))
}

interface Declared {
  readonly text: string
  readonly names: readonly string[]
  readonly forgotten: boolean
  without(names: ReadonlySet<string>): string
}

function statementsOf(declarations: string): Declared[] {
  const tsc = typescript()
  const file = tsc.createSourceFile("declarations.d.ts", declarations, tsc.ScriptTarget.Latest, false)
  return file.statements.map((statement) => {
    const text = declarations.slice(statement.getStart(file), statement.end)
    const forgotten = tsc.isModuleDeclaration(statement) || tsc.isImportEqualsDeclaration(statement)
    if (tsc.isVariableStatement(statement)) return variables(statement, file, declarations, text)
    const { name } = statement as { name?: ts.Node }
    const names = name !== undefined && tsc.isIdentifier(name) ? [name.text] : []
    const isValue = tsc.isFunctionDeclaration(statement) || tsc.isClassDeclaration(statement)
    return { text, names, forgotten, without: () => (isValue ? "" : text) }
  })
}

function variables(
  statement: ts.VariableStatement,
  file: ts.SourceFile,
  all: string,
  text: string,
): Declared {
  const tsc = typescript()
  const { declarations } = statement.declarationList
  const named = declarations.map((one) => ({
    name: tsc.isIdentifier(one.name) ? one.name.text : "",
    text: all.slice(one.getStart(file), one.end),
  }))
  const head = all.slice(statement.getStart(file), declarations[0]?.getStart(file))
  return {
    text,
    names: named.map(({ name }) => name),
    forgotten: false,
    without(names) {
      const kept = named.filter(({ name }) => !names.has(name))
      return kept.length === 0 ? "" : `${head}${kept.map((one) => one.text).join(", ")};`
    },
  }
}
