import type ts from "typescript"
import { typescript } from "../cells/typescript.ts"

/** What the magics need to know of TypeScript's grammar. */

export interface Parsed {
  readonly file: ts.SourceFile
  /** Where the parser found something wrong. */
  readonly errors: readonly { readonly start: number; readonly message: string }[]
}

export function parse(code: string): Parsed {
  const file = typescript().createSourceFile(
    "cell.ts",
    code,
    typescript().ScriptTarget.Latest,
    true,
    typescript().ScriptKind.TS,
  )
  // The property is TypeScript's own, only not in its published types.
  const { parseDiagnostics } = file as unknown as { parseDiagnostics: readonly ts.DiagnosticWithLocation[] }
  const errors = parseDiagnostics.map((diagnostic) => ({
    start: diagnostic.start,
    message: typescript().flattenDiagnosticMessageText(diagnostic.messageText, " "),
  }))
  return { file, errors }
}

/** The innermost node that `wanted` accepts among those that hold `offset`. */
export function nodeAt<T extends ts.Node>(
  root: ts.Node,
  offset: number,
  wanted: (node: ts.Node) => node is T,
): T | undefined {
  let found: T | undefined
  const visit = (node: ts.Node): void => {
    if (offset < node.pos || offset >= node.end) return
    if (wanted(node)) found = node
    typescript().forEachChild(node, visit)
  }
  visit(root)
  return found
}

/** A node that the parser made up where the grammar wanted one. */
export function isMissing(node: ts.Node): boolean {
  return node.pos === node.end && node.kind !== typescript().SyntaxKind.EndOfFileToken
}

/** How the place of `node` may wait for a promise: at the top, within an async function, within another. */
export function nesting(node: ts.Node): "top" | "async" | "sync" {
  for (let at = node.parent; at !== undefined; at = at.parent) {
    if (typescript().isClassStaticBlockDeclaration(at)) return "sync"
    if (!typescript().isFunctionLike(at)) continue
    const modifiers = typescript().canHaveModifiers(at) ? typescript().getModifiers(at) : undefined
    return modifiers?.some((modifier) => modifier.kind === typescript().SyntaxKind.AsyncKeyword)
      ? "async"
      : "sync"
  }
  return "top"
}

/** Every name that the code declares, wherever it stands. */
export function declaredNames(root: ts.Node): Set<string> {
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    const { name } = node as { name?: ts.Node }
    const declares =
      typescript().isVariableDeclaration(node) ||
      typescript().isParameter(node) ||
      typescript().isBindingElement(node)
    const named =
      typescript().isFunctionLike(node) ||
      typescript().isClassLike(node) ||
      typescript().isEnumDeclaration(node)
    const imports =
      typescript().isImportClause(node) ||
      typescript().isImportSpecifier(node) ||
      typescript().isNamespaceImport(node)
    if ((declares || named || imports) && name !== undefined && typescript().isIdentifier(name))
      names.add(name.text)
    typescript().forEachChild(node, visit)
  }
  visit(root)
  return names
}

/** Whether `text` is one expression, whole. */
export function isExpression(text: string): boolean {
  const { file, errors } = parse(`(${text}\n)`)
  const [statement] = file.statements
  return (
    errors.length === 0 &&
    file.statements.length === 1 &&
    statement !== undefined &&
    typescript().isExpressionStatement(statement) &&
    typescript().isParenthesizedExpression(statement.expression)
  )
}

/** Whether `text` can stand as a function's parameter: a name, or a pattern such as `{ id, url }`. */
export function isBindingPattern(text: string): boolean {
  const { file, errors } = parse(`(${text}) => 0`)
  const [statement] = file.statements
  if (errors.length > 0 || file.statements.length !== 1 || statement === undefined) return false
  if (!typescript().isExpressionStatement(statement) || !typescript().isArrowFunction(statement.expression))
    return false
  const [parameter, more] = statement.expression.parameters
  return parameter !== undefined && more === undefined && !parameter.dotDotDotToken && !parameter.initializer
}

/** Whether `text` can name a variable. */
export function isIdentifier(text: string): boolean {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u.test(text)) return false
  return parse(`let ${text} = 0`).errors.length === 0 && !reserved.has(text)
}

/** Names that parse as variables and yet cannot be one in a module. */
const reserved = new Set([
  "let",
  "static",
  "implements",
  "interface",
  "package",
  "private",
  "protected",
  "public",
])
reserved.add("await").add("yield").add("undefined").add("eval").add("arguments")

/** The name that an expression begins with: `urls` of `urls.slice(1)`; undefined where it begins with none. */
export function rootName(text: string): string | undefined {
  const [statement] = parse(`(${text}\n)`).file.statements
  if (statement === undefined || !typescript().isExpressionStatement(statement)) return undefined
  let node: ts.Node = statement.expression
  for (;;) {
    if (typescript().isIdentifier(node)) return node.text === "" ? undefined : node.text
    if (typescript().isBinaryExpression(node)) node = node.left
    else if ("expression" in node && !typescript().isTypeOfExpression(node)) node = node.expression as ts.Node
    else return undefined
  }
}
