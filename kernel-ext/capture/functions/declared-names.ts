import type { AnyNode, Pattern } from "acorn"

/** Which names a piece of syntax declares, by the scoping rules of JavaScript. */

export function* patternNames(pattern: Pattern | null | undefined): Generator<string> {
  switch (pattern?.type) {
    case "Identifier":
      yield pattern.name
      break
    case "ObjectPattern":
      for (const property of pattern.properties) {
        yield* patternNames(property.type === "RestElement" ? property.argument : property.value)
      }
      break
    case "ArrayPattern":
      for (const element of pattern.elements) yield* patternNames(element)
      break
    case "AssignmentPattern":
      yield* patternNames(pattern.left)
      break
    case "RestElement":
      yield* patternNames(pattern.argument)
      break
  }
}

/** `let`, `const`, `using`, classes and functions that these statements declare for their own block. */
export function* lexicalNames(statements: readonly AnyNode[]): Generator<string> {
  for (const statement of statements) {
    if (statement.type === "VariableDeclaration" && statement.kind !== "var") {
      for (const declarator of statement.declarations) yield* patternNames(declarator.id)
    } else if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration") {
      if (statement.id !== null) yield statement.id.name
    }
  }
}

/** `var`s within `node`, and functions in blocks (visible outside of them in sloppy code); not those of inner functions. */
export function* hoistedNames(node: AnyNode): Generator<string> {
  if (node.type === "VariableDeclaration" && node.kind === "var") {
    for (const declarator of node.declarations) yield* patternNames(declarator.id)
  }
  if (node.type === "FunctionDeclaration" && node.id !== null) yield node.id.name
  if (isFunction(node) || node.type === "ClassDeclaration" || node.type === "ClassExpression") return
  for (const child of childNodes(node)) yield* hoistedNames(child)
}

export function isFunction(node: AnyNode): boolean {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  )
}

export function* childNodes(node: AnyNode): Generator<AnyNode> {
  for (const key in node) {
    const child: unknown = node[key as keyof AnyNode]
    if (Array.isArray(child)) {
      for (const item of child) if (isNode(item)) yield item
    } else if (isNode(child)) yield child
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"
}
