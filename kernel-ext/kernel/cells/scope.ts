import type { AnyNode, Function as FunctionNode, Identifier, Node, Pattern, Program } from "acorn"

/**
 * Which names of a cell's JavaScript are the notebook's: every reference that no inner scope binds, with what the
 * transform must know about it.
 */

export interface Reference {
  readonly name: string
  readonly start: number
  readonly end: number
  /** Assigned to, also where it is read as well. */
  readonly written: boolean
  /** Within a function or class of this cell, so possibly run later. */
  readonly inFunction: boolean
  /** Stands for key and value at once: `{ name }`. */
  readonly shorthand: boolean
}

export interface Loop {
  readonly start: number
  readonly end: number
  /** It jumps to a label outside of itself. */
  readonly leaves: boolean
}

export interface Analysis {
  readonly references: readonly Reference[]
  /** Starts of what makes the cell itself wait: `await`, `for await`. Those in functions are not among them. */
  readonly awaits: readonly number[]
  /** Loops outside of functions, outer ones before those they contain. */
  readonly loops: readonly Loop[]
  /** `var` statements outside of functions, at any depth. */
  readonly vars: readonly (AnyNode & { type: "VariableDeclaration" })[]
  readonly metaProperties: readonly { start: number; end: number }[]
  readonly dynamicImports: readonly (AnyNode & { type: "ImportExpression" })[]
}

interface Scope {
  readonly names: Set<string>
  readonly parent: Scope | undefined
}

interface Context {
  readonly scope: Scope | undefined
  readonly inFunction: boolean
  readonly labels: readonly string[]
}

export function analyse(program: Program): Analysis {
  const references: Reference[] = []
  const awaits: number[] = []
  const loops: Loop[] = []
  const vars: (AnyNode & { type: "VariableDeclaration" })[] = []
  const metaProperties: { start: number; end: number }[] = []
  const dynamicImports: (AnyNode & { type: "ImportExpression" })[] = []

  function refer(id: Identifier, context: Context, written: boolean, shorthand = false): void {
    for (let scope = context.scope; scope !== undefined; scope = scope.parent)
      if (scope.names.has(id.name)) return
    const { name, start, end } = id
    references.push({ name, start, end, written, inFunction: context.inFunction, shorthand })
  }

  /** Targets of an assignment or names of a declaration; defaults and computed keys in them are ordinary expressions. */
  function target(node: Pattern | AnyNode, context: Context): void {
    switch (node.type) {
      case "Identifier":
        refer(node, context, true)
        return
      case "ObjectPattern":
        for (const property of node.properties) {
          if (property.type === "RestElement") target(property.argument, context)
          else if (property.shorthand) shorthandTarget(property.value, context)
          else {
            if (property.computed) visit(property.key as AnyNode, context)
            target(property.value, context)
          }
        }
        return
      case "ArrayPattern":
        for (const element of node.elements) if (element !== null) target(element, context)
        return
      case "AssignmentPattern":
        target(node.left, context)
        visit(node.right as AnyNode, context)
        return
      case "RestElement":
        target(node.argument, context)
        return
      default:
        visit(node as AnyNode, context)
        return
    }
  }

  function shorthandTarget(value: Pattern, context: Context): void {
    const id = value.type === "AssignmentPattern" ? value.left : value
    if (id.type === "Identifier") refer(id, context, true, true)
    if (value.type === "AssignmentPattern") visit(value.right as AnyNode, context)
  }

  function enterFunction(node: FunctionNode, context: Context): void {
    const names = new Set<string>()
    if (node.type === "FunctionExpression" && node.id) names.add(node.id.name)
    if (node.type !== "ArrowFunctionExpression") names.add("arguments")
    for (const parameter of node.params) bind(parameter, names)
    if (node.body.type === "BlockStatement") {
      hoistVars(node.body, names)
      declareIn(node.body.body, names)
    }
    const inner: Context = { scope: { names, parent: context.scope }, inFunction: true, labels: [] }
    for (const parameter of node.params) target(parameter, inner)
    if (node.body.type === "BlockStatement") for (const one of node.body.body) visit(one as AnyNode, inner)
    else visit(node.body as AnyNode, inner)
  }

  function enterClass(
    node: AnyNode & { type: "ClassDeclaration" | "ClassExpression" },
    context: Context,
  ): void {
    const names = new Set(node.id ? [node.id.name] : [])
    const inner: Context = {
      scope: { names, parent: context.scope },
      inFunction: context.inFunction,
      labels: [],
    }
    if (node.superClass) visit(node.superClass as AnyNode, inner)
    const later: Context = { ...inner, inFunction: true }
    for (const member of node.body.body) {
      if (member.type === "StaticBlock") {
        const own = new Set<string>()
        for (const one of member.body) hoistVars(one, own)
        declareIn(member.body, own)
        const block: Context = { ...later, scope: { names: own, parent: inner.scope } }
        for (const one of member.body) visit(one as AnyNode, block)
        continue
      }
      if (member.computed) visit(member.key as AnyNode, inner)
      if (member.value) visit(member.value as AnyNode, later)
    }
  }

  function block(statements: readonly Node[], context: Context): void {
    const names = new Set<string>()
    declareIn(statements as readonly AnyNode[], names)
    const inner = names.size === 0 ? context : { ...context, scope: { names, parent: context.scope } }
    for (const one of statements) visit(one as AnyNode, inner)
  }

  function loop(node: AnyNode & { start: number; end: number }, context: Context): void {
    if (!context.inFunction) loops.push({ start: node.start, end: node.end, leaves: leaves(node, new Set()) })
    const names = new Set<string>()
    const head = node.type === "ForStatement" ? node.init : "left" in node ? node.left : undefined
    if (head && (head as AnyNode).type === "VariableDeclaration") {
      const declaration = head as AnyNode & { type: "VariableDeclaration" }
      if (declaration.kind !== "var") for (const { id } of declaration.declarations) bind(id, names)
    }
    const inner = { ...context, scope: { names, parent: context.scope } }
    if (node.type === "ForInStatement" || node.type === "ForOfStatement") {
      if (node.type === "ForOfStatement" && node.await && !context.inFunction) awaits.push(node.start)
      if (node.left.type === "VariableDeclaration") visit(node.left as AnyNode, inner)
      else target(node.left, inner)
      visit(node.right as AnyNode, inner)
      visit(node.body as AnyNode, inner)
    } else children(node, inner)
  }

  function visit(node: AnyNode, context: Context): void {
    switch (node.type) {
      case "Identifier":
        refer(node, context, false)
        return
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        enterFunction(node as FunctionNode, context)
        return
      case "ClassDeclaration":
      case "ClassExpression":
        enterClass(node as AnyNode & { type: "ClassDeclaration" | "ClassExpression" }, context)
        return
      case "BlockStatement":
        block(node.body, context)
        return
      case "SwitchStatement":
        visit(node.discriminant as AnyNode, context)
        block(node.cases, {
          ...context,
          scope: { names: namesOfCases(node.cases), parent: context.scope },
        })
        return
      case "CatchClause": {
        const names = new Set<string>()
        if (node.param) bind(node.param, names)
        const inner = { ...context, scope: { names, parent: context.scope } }
        if (node.param) target(node.param, inner)
        visit(node.body as AnyNode, inner)
        return
      }
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        loop(node as AnyNode & { start: number; end: number }, context)
        return
      case "VariableDeclaration":
        if (node.kind === "var" && !context.inFunction)
          vars.push(node as AnyNode & { type: "VariableDeclaration" })
        for (const declarator of node.declarations) {
          target(declarator.id, context)
          if (declarator.init) visit(declarator.init as AnyNode, context)
        }
        return
      case "AssignmentExpression":
        target(node.left, context)
        visit(node.right as AnyNode, context)
        return
      case "UpdateExpression":
        target(node.argument as AnyNode, context)
        return
      case "AwaitExpression":
        if (!context.inFunction) awaits.push(node.start)
        visit(node.argument as AnyNode, context)
        return
      case "MemberExpression":
        visit(node.object as AnyNode, context)
        if (node.computed) visit(node.property as AnyNode, context)
        return
      case "Property":
        if (node.computed) visit(node.key as AnyNode, context)
        if (node.shorthand) refer(node.value as Identifier, context, false, true)
        else visit(node.value as AnyNode, context)
        return
      case "MetaProperty":
        if (node.meta.name === "import") metaProperties.push({ start: node.start, end: node.end })
        return
      case "ImportExpression":
        dynamicImports.push(node as AnyNode & { type: "ImportExpression" })
        children(node, context)
        return
      case "LabeledStatement":
        visit(node.body as AnyNode, context)
        return
      case "BreakStatement":
      case "ContinueStatement":
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return
      case "ExportNamedDeclaration":
        if (node.declaration) visit(node.declaration as AnyNode, context)
        return
      default:
        children(node, context)
        return
    }
  }

  function children(node: AnyNode, context: Context): void {
    for (const child of childrenOf(node)) visit(child, context)
  }

  const top: Context = { scope: undefined, inFunction: false, labels: [] }
  for (const statement of program.body) visit(statement as AnyNode, top)
  return { references, awaits, loops, vars, metaProperties, dynamicImports }
}

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

function namesOfCases(cases: readonly Node[]): Set<string> {
  const names = new Set<string>()
  for (const one of cases as readonly (AnyNode & { type: "SwitchCase" })[]) declareIn(one.consequent, names)
  return names
}

/** Whether `break` or `continue` within names a label that stands outside. */
function leaves(node: AnyNode, labels: ReadonlySet<string>): boolean {
  if (/Function|^Class/.test(node.type)) return false
  if (node.type === "BreakStatement" || node.type === "ContinueStatement")
    return node.label != null && !labels.has(node.label.name)
  const inner = node.type === "LabeledStatement" ? new Set([...labels, node.label.name]) : labels
  return childrenOf(node).some((child) => leaves(child, inner))
}
