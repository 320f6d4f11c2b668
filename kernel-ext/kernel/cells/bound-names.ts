import type { AnyNode, Node, Pattern } from "acorn"

/** Names that pieces of JavaScript bind. */

export function childrenOf(node: AnyNode): AnyNode[] {
  const found: AnyNode[] = []
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) found.push(...value.filter(isNode))
    else if (isNode(value)) found.push(value)
  }
  return found
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && "type" in value && "start" in value
}

/** Adds the names a pattern binds. */
export function bind(pattern: Pattern | AnyNode, names: Set<string>): void {
  switch (pattern.type) {
    case "Identifier":
      names.add(pattern.name)
      return
    case "ObjectPattern":
      for (const property of pattern.properties)
        bind(property.type === "RestElement" ? property.argument : property.value, names)
      return
    case "ArrayPattern":
      for (const element of pattern.elements) if (element !== null) bind(element, names)
      return
    case "AssignmentPattern":
      bind(pattern.left, names)
      return
    case "RestElement":
      bind(pattern.argument, names)
  }
}

/** Names that `let`, `const`, `class` and `function` declare directly among these statements. */
export function declareIn(statements: readonly Node[], names: Set<string>): void {
  for (const statement of statements as readonly AnyNode[]) {
    if (statement.type === "VariableDeclaration" && statement.kind !== "var")
      for (const { id } of statement.declarations) bind(id, names)
    else if (statement.type === "FunctionDeclaration" || statement.type === "ClassDeclaration")
      if (statement.id) names.add(statement.id.name)
  }
}

/** Names that `var` declares within, outside of inner functions. */
export function hoistVars(node: Node, names: Set<string>): void {
  const one = node as AnyNode
  if (one.type === "VariableDeclaration" && one.kind === "var")
    for (const { id } of one.declarations) bind(id, names)
  if (/Function|^Class/.test(one.type) && one.type !== "ClassBody") return
  for (const child of childrenOf(one)) hoistVars(child, names)
}

export function namesOfCases(cases: readonly Node[]): Set<string> {
  const names = new Set<string>()
  for (const one of cases as readonly (AnyNode & { type: "SwitchCase" })[]) declareIn(one.consequent, names)
  return names
}
