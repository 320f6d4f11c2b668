import type {
  AnyNode,
  ArrowFunctionExpression,
  Class,
  Function as FunctionNode,
  Identifier,
  MethodDefinition,
  PropertyDefinition,
} from "acorn"
import { childNodes, hoistedNames, lexicalNames, patternNames } from "./declared-names.ts"

/** A range of the source. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What a function takes from around it. Ranges are offsets in the parsed text. */
export interface Surroundings {
  /** Names that nothing inside declares. */
  readonly free: ReadonlySet<string>
  /** Names read as `globalThis.NAME`. */
  readonly globals: ReadonlySet<string>
  /** Where `this` and `arguments` mean those of an enclosing function. */
  readonly outerThis: readonly Range[]
  readonly outerArguments: readonly Range[]
  readonly usesSuper: boolean
  readonly usesEval: boolean
  /** Names like "#count" that no class inside declares. */
  readonly outerPrivates: ReadonlySet<string>
  /** The word `import` of each `import(…)` and `import.meta`. */
  readonly importWords: readonly Range[]
  /** Literal specifiers of `require(…)` and `import(…)`. */
  readonly specifiers: ReadonlySet<string>
}

interface Scope {
  readonly names: Set<string>
  readonly up: Scope | undefined
}

/** Whose `this`, `arguments` and `super` hold at a place: what encloses the whole, the walked function itself, or one inside. */
type Receiver = "outer" | "root" | "inner"

/**
 * Walks one function or class.
 *
 * `skip` leaves nodes out that will not be part of the shipped code, for example static initializers.
 */
export function surroundings(root: AnyNode, skip: ReadonlySet<AnyNode> = new Set()): Surroundings {
  const walker = new Walker(skip)
  walker.visit(root, undefined, "outer")
  return walker
}

/** What the kernel adds to a cell's code for itself, and does without elsewhere. */
function isMark(name: string): boolean {
  return name.startsWith("$cellfan")
}

/** What a cell's own `import(…)` and `import.meta` are compiled to where the kernel resolves them. */
const CELL_IMPORT = "__import"

class Walker implements Surroundings {
  readonly free = new Set<string>()
  readonly globals = new Set<string>()
  readonly outerThis: Range[] = []
  readonly outerArguments: Range[] = []
  usesSuper = false
  usesEval = false
  readonly outerPrivates = new Set<string>()
  readonly importWords: Range[] = []
  readonly specifiers = new Set<string>()
  readonly #skip: ReadonlySet<AnyNode>
  #privates: Set<string>[] = []

  constructor(skip: ReadonlySet<AnyNode>) {
    this.#skip = skip
  }

  visit(node: AnyNode, scope: Scope | undefined, receiver: Receiver): void {
    if (this.#skip.has(node)) return
    switch (node.type) {
      case "Identifier":
        this.#identifier(node, scope, receiver)
        return
      case "ThisExpression":
        if (receiver === "outer") this.outerThis.push(node)
        return
      case "Super":
        if (receiver !== "inner") this.usesSuper = true
        return
      case "PrivateIdentifier":
        if (!this.#privates.some((names) => names.has(node.name))) this.outerPrivates.add(`#${node.name}`)
        return
      case "MetaProperty":
        if (node.meta.name === "import") this.importWords.push(node.meta)
        return
      case "FunctionDeclaration":
      case "FunctionExpression":
        this.#function(node, scope, receiver === "outer" && scope === undefined ? "root" : "inner")
        return
      case "ArrowFunctionExpression":
        this.#function(node, scope, receiver)
        return
      case "ClassDeclaration":
      case "ClassExpression":
        this.#class(node, scope, receiver)
        return
      case "MemberExpression":
        this.visit(node.object, scope, receiver)
        if (node.computed || node.property.type === "PrivateIdentifier")
          this.visit(node.property, scope, receiver)
        else if (isNamed(node.object, "globalThis") && node.property.type === "Identifier") {
          if (!isMark(node.property.name)) this.globals.add(node.property.name)
        }
        return
      case "Property":
        if (node.computed) this.visit(node.key, scope, receiver)
        this.visit(node.value, scope, receiver)
        return
      case "LabeledStatement":
        this.visit(node.body, scope, receiver)
        return
      case "BreakStatement":
      case "ContinueStatement":
        return
      default:
        this.#block(node, scope, receiver)
    }
  }

  #identifier(node: Identifier, scope: Scope | undefined, receiver: Receiver): void {
    if (node.name === "arguments" && receiver === "outer" && !declares(scope, "arguments")) {
      this.outerArguments.push(node)
    } else if (node.name === CELL_IMPORT && !declares(scope, node.name)) {
      this.importWords.push(node)
    } else if (node.name !== "arguments" && !declares(scope, node.name)) {
      this.free.add(node.name)
    }
  }

  #block(node: AnyNode, scope: Scope | undefined, receiver: Receiver): void {
    const inner = this.#blockScope(node, scope)
    this.#noteImport(node)
    for (const child of childNodes(node)) this.visit(child, inner, receiver)
  }

  #blockScope(node: AnyNode, up: Scope | undefined): Scope | undefined {
    switch (node.type) {
      case "BlockStatement":
      case "StaticBlock":
        return { names: new Set(lexicalNames(node.body)), up }
      case "SwitchStatement":
        return { names: new Set(node.cases.flatMap((one) => [...lexicalNames(one.consequent)])), up }
      case "ForStatement":
        return { names: new Set(node.init == null ? [] : lexicalNames([node.init])), up }
      case "ForInStatement":
      case "ForOfStatement":
        return { names: new Set(lexicalNames([node.left])), up }
      case "CatchClause":
        return { names: new Set(patternNames(node.param)), up }
      default:
        return up
    }
  }

  #noteImport(node: AnyNode): void {
    if (node.type === "ImportExpression") {
      this.importWords.push({ start: node.start, end: node.start + "import".length })
      if (node.source.type === "Literal" && typeof node.source.value === "string") {
        this.specifiers.add(node.source.value)
      }
    }
    if (node.type !== "CallExpression") return
    const [argument] = node.arguments
    if (isNamed(node.callee, "eval")) this.usesEval = true
    if (
      (isNamed(node.callee, "require") || isNamed(node.callee, CELL_IMPORT)) &&
      argument?.type === "Literal" &&
      typeof argument.value === "string"
    ) {
      this.specifiers.add(argument.value)
    }
  }

  #function(node: FunctionNode | ArrowFunctionExpression, up: Scope | undefined, receiver: Receiver): void {
    const names = new Set<string>()
    if (node.type === "FunctionExpression" && node.id != null) names.add(node.id.name)
    for (const parameter of node.params) for (const name of patternNames(parameter)) names.add(name)
    if (node.body.type === "BlockStatement") {
      for (const name of hoistedNames(node.body)) names.add(name)
      for (const name of lexicalNames(node.body.body)) names.add(name)
    }
    const scope = { names, up }
    for (const parameter of node.params) this.visit(parameter, scope, receiver)
    if (node.body.type === "BlockStatement") {
      for (const statement of node.body.body) this.visit(statement, scope, receiver)
    } else this.visit(node.body, scope, receiver)
  }

  #class(node: Class, up: Scope | undefined, receiver: Receiver): void {
    const scope: Scope = { names: new Set(node.id == null ? [] : [node.id.name]), up }
    if (node.superClass != null) this.visit(node.superClass, scope, receiver)
    this.#privates.push(new Set(node.body.body.flatMap(privateName)))
    for (const member of node.body.body) {
      if (this.#skip.has(member)) continue
      if (member.type === "StaticBlock") {
        this.#block(member, { names: new Set(hoistedNames(member)), up: scope }, "inner")
        continue
      }
      if (member.computed) this.visit(member.key, scope, receiver)
      if (member.value != null) this.visit(member.value, scope, "inner")
    }
    this.#privates.pop()
  }
}

function privateName(member: MethodDefinition | PropertyDefinition | { type: "StaticBlock" }): string[] {
  return member.type !== "StaticBlock" && member.key.type === "PrivateIdentifier" ? [member.key.name] : []
}

function declares(scope: Scope | undefined, name: string): boolean {
  for (let one = scope; one !== undefined; one = one.up) {
    if (one.names.has(name)) return true
  }
  return false
}

function isNamed(node: AnyNode, name: string): boolean {
  return node.type === "Identifier" && node.name === name
}
