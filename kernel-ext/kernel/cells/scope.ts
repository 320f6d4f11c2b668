import type { AnyNode, Function as FunctionNode, Identifier, Node, Pattern, Program } from "acorn"
import { bind, childrenOf, declareIn, hoistVars, namesOfCases } from "./bound-names.ts"

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

/** `await x`, or the `x` of `for await (… of x)`. */
export interface Wait {
  readonly kind: "await" | "each"
  readonly start: number
  readonly end: number
}

export interface Analysis {
  readonly references: readonly Reference[]
  /** Starts of what makes the cell itself wait: `await`, `for await`. Those in functions are not among them. */
  readonly awaits: readonly number[]
  /** All of them, those in functions too. */
  readonly waits: readonly Wait[]
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
}

export function analyse(program: Program): Analysis {
  return new Walk(program)
}

class Walk implements Analysis {
  readonly references: Reference[] = []
  readonly awaits: number[] = []
  readonly waits: Wait[] = []
  readonly loops: Loop[] = []
  readonly vars: (AnyNode & { type: "VariableDeclaration" })[] = []
  readonly metaProperties: { start: number; end: number }[] = []
  readonly dynamicImports: (AnyNode & { type: "ImportExpression" })[] = []

  constructor(program: Program) {
    const top: Context = { scope: undefined, inFunction: false }
    for (const statement of program.body) this.#visit(statement as AnyNode, top)
  }

  #refer(id: Identifier, context: Context, written: boolean, shorthand = false): void {
    for (let scope = context.scope; scope !== undefined; scope = scope.parent)
      if (scope.names.has(id.name)) return
    const { name, start, end } = id
    this.references.push({ name, start, end, written, inFunction: context.inFunction, shorthand })
  }

  /** Targets of an assignment or names of a declaration; defaults and computed keys in them are ordinary expressions. */
  #target(node: Pattern | AnyNode, context: Context): void {
    switch (node.type) {
      case "Identifier":
        this.#refer(node, context, true)
        return
      case "ObjectPattern":
        for (const property of node.properties) {
          if (property.type === "RestElement") this.#target(property.argument, context)
          else if (property.shorthand) this.#shorthandTarget(property.value, context)
          else {
            if (property.computed) this.#visit(property.key as AnyNode, context)
            this.#target(property.value, context)
          }
        }
        return
      case "ArrayPattern":
        for (const element of node.elements) if (element !== null) this.#target(element, context)
        return
      case "AssignmentPattern":
        this.#target(node.left, context)
        this.#visit(node.right as AnyNode, context)
        return
      case "RestElement":
        this.#target(node.argument, context)
        return
      default:
        this.#visit(node as AnyNode, context)
        return
    }
  }

  #shorthandTarget(value: Pattern, context: Context): void {
    const id = value.type === "AssignmentPattern" ? value.left : value
    if (id.type === "Identifier") this.#refer(id, context, true, true)
    if (value.type === "AssignmentPattern") this.#visit(value.right as AnyNode, context)
  }

  #enterFunction(node: FunctionNode, context: Context): void {
    const names = new Set<string>()
    if (node.type === "FunctionExpression" && node.id) names.add(node.id.name)
    if (node.type !== "ArrowFunctionExpression") names.add("arguments")
    for (const parameter of node.params) bind(parameter, names)
    if (node.body.type === "BlockStatement") {
      hoistVars(node.body, names)
      declareIn(node.body.body, names)
    }
    const inner: Context = { scope: { names, parent: context.scope }, inFunction: true }
    for (const parameter of node.params) this.#target(parameter, inner)
    if (node.body.type === "BlockStatement")
      for (const one of node.body.body) this.#visit(one as AnyNode, inner)
    else this.#visit(node.body as AnyNode, inner)
  }

  #enterClass(node: AnyNode & { type: "ClassDeclaration" | "ClassExpression" }, context: Context): void {
    const names = new Set(node.id ? [node.id.name] : [])
    const inner: Context = {
      scope: { names, parent: context.scope },
      inFunction: context.inFunction,
    }
    if (node.superClass) this.#visit(node.superClass as AnyNode, inner)
    const later: Context = { ...inner, inFunction: true }
    for (const member of node.body.body) {
      if (member.type === "StaticBlock") {
        const own = new Set<string>()
        for (const one of member.body) hoistVars(one, own)
        declareIn(member.body, own)
        const block: Context = { ...later, scope: { names: own, parent: inner.scope } }
        for (const one of member.body) this.#visit(one as AnyNode, block)
        continue
      }
      if (member.computed) this.#visit(member.key as AnyNode, inner)
      if (member.value) this.#visit(member.value as AnyNode, later)
    }
  }

  #block(statements: readonly Node[], context: Context): void {
    const names = new Set<string>()
    declareIn(statements as readonly AnyNode[], names)
    const inner = names.size === 0 ? context : { ...context, scope: { names, parent: context.scope } }
    for (const one of statements) this.#visit(one as AnyNode, inner)
  }

  #loop(node: AnyNode & { start: number; end: number }, context: Context): void {
    if (!context.inFunction)
      this.loops.push({ start: node.start, end: node.end, leaves: leaves(node, new Set()) })
    const names = new Set<string>()
    const head = node.type === "ForStatement" ? node.init : "left" in node ? node.left : undefined
    if (head && (head as AnyNode).type === "VariableDeclaration") {
      const declaration = head as AnyNode & { type: "VariableDeclaration" }
      if (declaration.kind !== "var") for (const { id } of declaration.declarations) bind(id, names)
    }
    const inner = { ...context, scope: { names, parent: context.scope } }
    if (node.type === "ForInStatement" || node.type === "ForOfStatement") {
      if (node.type === "ForOfStatement" && node.await) {
        if (!context.inFunction) this.awaits.push(node.start)
        this.waits.push({ kind: "each", start: node.right.start, end: node.right.end })
      }
      if (node.left.type === "VariableDeclaration") this.#visit(node.left as AnyNode, inner)
      else this.#target(node.left, inner)
      this.#visit(node.right as AnyNode, inner)
      this.#visit(node.body as AnyNode, inner)
    } else this.#children(node, inner)
  }

  #visit(node: AnyNode, context: Context): void {
    switch (node.type) {
      case "Identifier":
        this.#refer(node, context, false)
        return
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        this.#enterFunction(node as FunctionNode, context)
        return
      case "ClassDeclaration":
      case "ClassExpression":
        this.#enterClass(node as AnyNode & { type: "ClassDeclaration" | "ClassExpression" }, context)
        return
      case "BlockStatement":
        this.#block(node.body, context)
        return
      case "SwitchStatement":
        this.#visit(node.discriminant as AnyNode, context)
        this.#block(node.cases, {
          ...context,
          scope: { names: namesOfCases(node.cases), parent: context.scope },
        })
        return
      case "CatchClause": {
        const names = new Set<string>()
        if (node.param) bind(node.param, names)
        const inner = { ...context, scope: { names, parent: context.scope } }
        if (node.param) this.#target(node.param, inner)
        this.#visit(node.body as AnyNode, inner)
        return
      }
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "WhileStatement":
      case "DoWhileStatement":
        this.#loop(node as AnyNode & { start: number; end: number }, context)
        return
      case "VariableDeclaration":
        if (node.kind === "var" && !context.inFunction)
          this.vars.push(node as AnyNode & { type: "VariableDeclaration" })
        for (const declarator of node.declarations) {
          this.#target(declarator.id, context)
          if (declarator.init) this.#visit(declarator.init as AnyNode, context)
        }
        return
      case "AssignmentExpression":
        this.#target(node.left, context)
        this.#visit(node.right as AnyNode, context)
        return
      case "UpdateExpression":
        this.#target(node.argument as AnyNode, context)
        return
      case "AwaitExpression":
        if (!context.inFunction) this.awaits.push(node.start)
        this.waits.push({ kind: "await", start: node.start, end: node.end })
        this.#visit(node.argument as AnyNode, context)
        return
      case "MemberExpression":
        this.#visit(node.object as AnyNode, context)
        if (node.computed) this.#visit(node.property as AnyNode, context)
        return
      case "Property":
        if (node.computed) this.#visit(node.key as AnyNode, context)
        if (node.shorthand) this.#refer(node.value as Identifier, context, false, true)
        else this.#visit(node.value as AnyNode, context)
        return
      case "MetaProperty":
        if (node.meta.name === "import") this.metaProperties.push({ start: node.start, end: node.end })
        return
      case "ImportExpression":
        this.dynamicImports.push(node as AnyNode & { type: "ImportExpression" })
        this.#children(node, context)
        return
      case "LabeledStatement":
        this.#visit(node.body as AnyNode, context)
        return
      case "BreakStatement":
      case "ContinueStatement":
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return
      case "ExportNamedDeclaration":
        if (node.declaration) this.#visit(node.declaration as AnyNode, context)
        return
      default:
        this.#children(node, context)
        return
    }
  }

  #children(node: AnyNode, context: Context): void {
    for (const child of childrenOf(node)) this.#visit(child, context)
  }
}

/** Whether `break` or `continue` within names a label that stands outside. */
function leaves(node: AnyNode, labels: ReadonlySet<string>): boolean {
  if (/Function|^Class/.test(node.type)) return false
  if (node.type === "BreakStatement" || node.type === "ContinueStatement")
    return node.label != null && !labels.has(node.label.name)
  const inner = node.type === "LabeledStatement" ? new Set([...labels, node.label.name]) : labels
  return childrenOf(node).some((child) => leaves(child, inner))
}
