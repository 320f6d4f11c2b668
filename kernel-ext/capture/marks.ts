import type { AnyNode, Function as FunctionNode, Program } from "acorn"
import {
  childNodes,
  hoistedNames,
  isFunction,
  lexicalNames,
  patternNames,
} from "./functions/declared-names.ts"

/**
 * What a cell's code must say so that capture can see it. V8 shows which values the variables around a function have,
 * but neither which functions share a variable nor what `this` is in an arrow function. So scopes whose variables are
 * assigned to and used by inner functions declare an object of their own, and functions whose arrow functions use
 * `this` keep a way to it. Nothing else can see either; a cell without such scopes is left as it is.
 */

/** Variable whose value belongs to one activation of its scope. */
export const scopeMark = "$cellfanScope"

/** Variable that gives `this` of the function it stands in. */
export const thisMark = "$cellfanThis"

/** Text to be put in at an offset of the code. */
export interface Insertion {
  readonly offset: number
  readonly text: string
}

interface Scope {
  readonly names: Set<string>
  /** How many functions it stands in. */
  readonly depth: number
  readonly up: Scope | undefined
  readonly assigned: Set<string>
  readonly captured: Set<string>
}

export function marksFor(program: Program): Insertion[] {
  const marker = new Marker()
  for (const statement of program.body) marker.visit(statement as AnyNode, undefined, 0)
  return marker.insertions
}

class Marker {
  readonly insertions: Insertion[] = []
  /** Whether an arrow function that belongs to the function being walked uses `this`. */
  #usesThis = false
  #arrowDepth = 0

  visit(node: AnyNode, scope: Scope | undefined, depth: number): void {
    switch (node.type) {
      case "Identifier":
        note(node.name, scope, depth, false)
        return
      case "ThisExpression":
        if (this.#arrowDepth > 0) this.#usesThis = true
        return
      case "MemberExpression":
        this.visit(node.object, scope, depth)
        if (node.computed) this.visit(node.property as AnyNode, scope, depth)
        return
      case "Property":
      case "MethodDefinition":
      case "PropertyDefinition":
        if (node.computed) this.visit(node.key as AnyNode, scope, depth)
        if (node.value != null) this.#member(node.type, node.value as AnyNode, scope, depth)
        return
      case "AssignmentExpression":
        if (node.left.type !== "MemberExpression") {
          for (const name of patternNames(node.left)) note(name, scope, depth, true)
        }
        break
      case "UpdateExpression":
        if (node.argument.type === "Identifier") note(node.argument.name, scope, depth, true)
        break
      case "BlockStatement":
        this.#block(node, new Set(lexicalNames(node.body)), scope, depth)
        return
    }
    if (isFunction(node)) this.#function(node as FunctionNode, scope, depth)
    else for (const child of childNodes(node)) this.visit(child, scope, depth)
  }

  /** A field's initializer is a function of its own, in which no mark can stand. */
  #member(type: string, value: AnyNode, scope: Scope | undefined, depth: number): void {
    if (type !== "PropertyDefinition") {
      this.visit(value, scope, depth)
      return
    }
    this.#apart(() => this.visit(value, scope, depth + 1))
  }

  /** Whether `walk` met an arrow function that uses the `this` of what is walked. */
  #apart(walk: () => void): boolean {
    const [usesThis, arrowDepth] = [this.#usesThis, this.#arrowDepth]
    this.#usesThis = false
    this.#arrowDepth = 0
    walk()
    const found = this.#usesThis
    this.#usesThis = usesThis
    this.#arrowDepth = arrowDepth
    return found
  }

  #function(node: FunctionNode, up: Scope | undefined, depth: number): void {
    const names = new Set<string>(node.params.flatMap((parameter) => [...patternNames(parameter)]))
    const { body } = node
    if (body.type === "BlockStatement") {
      for (const name of hoistedNames(body)) names.add(name)
      for (const name of lexicalNames(body.body)) names.add(name)
    }
    const walk = () => {
      const scope = open(names, up, depth + 1)
      for (const parameter of node.params) this.visit(parameter as AnyNode, scope, depth + 1)
      if (body.type !== "BlockStatement") this.visit(body, scope, depth + 1)
      else {
        for (const statement of body.body) this.visit(statement as AnyNode, scope, depth + 1)
        if (isShared(scope)) this.#insert(body, `const ${scopeMark}={};()=>${scopeMark};`)
      }
    }
    if (node.type === "ArrowFunctionExpression") {
      this.#arrowDepth++
      walk()
      this.#arrowDepth--
    } else if (this.#apart(walk) && body.type === "BlockStatement") {
      this.#insert(body, `const ${thisMark}=()=>this;()=>${thisMark};`)
    }
  }

  #block(
    node: AnyNode & { type: "BlockStatement" },
    names: Set<string>,
    up: Scope | undefined,
    depth: number,
  ): void {
    const scope = names.size === 0 ? up : open(names, up, depth)
    for (const statement of node.body) this.visit(statement as AnyNode, scope, depth)
    if (names.size > 0 && scope !== undefined && isShared(scope)) {
      this.#insert(node, `const ${scopeMark}={};()=>${scopeMark};`)
    }
  }

  /** After the directives: before them, "use strict" would be no more than a text. */
  #insert(block: AnyNode & { type: "BlockStatement" }, text: string): void {
    const directives = block.body.filter(
      (one) => one.type === "ExpressionStatement" && one.directive !== undefined,
    )
    const last = directives.at(-1)
    this.insertions.push({
      offset: last === undefined ? block.start + 1 : last.end,
      text: last === undefined ? text : `;${text}`,
    })
  }
}

function open(names: Set<string>, up: Scope | undefined, depth: number): Scope {
  return { names, depth, up, assigned: new Set(), captured: new Set() }
}

function note(name: string, scope: Scope | undefined, depth: number, assigned: boolean): void {
  let at = scope
  while (at !== undefined && !at.names.has(name)) at = at.up
  if (at === undefined) return
  if (at.depth < depth) at.captured.add(name)
  if (assigned) at.assigned.add(name)
}

function isShared({ captured, assigned }: Scope): boolean {
  return [...captured].some((name) => assigned.has(name))
}
