import type { GraphEncoder } from "../codec/encoder.ts"
import { Kind, type Ref, type Slot } from "../codec/nodes.ts"
import { scopeMark } from "../marks.ts"
import type { Shape } from "./emit.ts"
import type { Scope } from "./inspect.ts"

/**
 * Finds which functions share variables. V8 shows the values of a scope, not its identity. Two functions share a scope
 * when it carries the same mark (marks.ts puts one into scopes of cells whose variables are assigned to). Without marks:
 * when all is equal by kind, names and values, and they are not two results of the same function text, as those
 * mostly come from two calls of what made them.
 */

export class Context {
  readonly shape: Shape
  readonly parent: Context | undefined
  readonly id: number
  readonly children: Context[] = []
  readonly slots = new Map<string, Slot>()
  readonly #scope: Scope | undefined
  /** Places of the functions made in this scope. */
  readonly #functions = new Set<string>()

  constructor(shape: Shape, parent: Context | undefined, id: number, scope: Scope | undefined) {
    this.shape = shape
    this.parent = parent
    this.id = id
    this.#scope = scope
  }

  /** The context of `scope` within this one, for a function from `place`. */
  enter(scope: Scope, place: string, innermost: boolean, encoder: GraphEncoder): Context {
    const known = this.children.find((child) => child.#is(scope, place, innermost))
    const context = known ?? this.#open(scope, encoder)
    if (innermost) context.#functions.add(place)
    return context
  }

  #open(scope: Scope, encoder: GraphEncoder): Context {
    const key = `${scope.description}(${Object.keys(scope.variables).join()})`
    const context = new Context(this.shape.child(key), this, newContextNode(encoder), scope)
    this.children.push(context)
    return context
  }

  #is(scope: Scope, place: string, innermost: boolean): boolean {
    const own = this.#scope
    if (own === undefined || own.kind !== scope.kind || own.description !== scope.description) return false
    const mark = own.variables[scopeMark]
    if (mark !== undefined || scope.variables[scopeMark] !== undefined)
      return mark === scope.variables[scopeMark]
    if (innermost && own.kind !== "module" && this.#functions.has(place)) return false
    const names = Object.keys(own.variables)
    return (
      names.length === Object.keys(scope.variables).length &&
      names.every((name) => name in scope.variables && Object.is(own.variables[name], scope.variables[name]))
    )
  }

  /** The node, when all variables have been found. */
  writeNode(encoder: GraphEncoder): void {
    const values = this.shape.variables.map((name) => this.slots.get(name))
    encoder.nodes[this.id] = [Kind.context, this.shape.index, this.parent && [this.parent.id], values]
    for (const child of this.children) child.writeNode(encoder)
  }
}

/** A node to be written when all is known. */
export function newContextNode(encoder: GraphEncoder): number {
  const [id] = encoder.addNode([Kind.context], -1, "") as Ref
  return id
}
