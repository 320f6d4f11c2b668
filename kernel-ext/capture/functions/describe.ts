import type { GraphEncoder } from "../codec/encoder.ts"
import { Kind, type Node, type Slot } from "../codec/nodes.ts"
import { thisMark } from "../marks.ts"
import type { FunctionInfo } from "./info.ts"
import { inspectPrivates, type Scope } from "./inspect.ts"
import { type FunctionSyntax, parseFunction } from "./syntax.ts"

/** Nodes of functions and classes: what they have beside their code. */

/** A function on its way to a node. */
export interface Described {
  readonly fn: CallableFunction
  readonly syntax: FunctionSyntax
  readonly scopes: readonly Scope[]
  /** Node of the context that it stands in, and its place among the context's templates. */
  readonly context: number
  readonly template: number
  readonly id: number
}

export function functionNode(described: Described, encoder: GraphEncoder): Node {
  const { fn, syntax, scopes, context, template, id } = described
  const { around, form } = syntax
  const self =
    form === "arrow" && around.outerThis.length > 0 ? outerThis(syntax, scopes, id, encoder) : undefined
  const args: unknown = scopes.find(({ variables }) => Object.hasOwn(variables, "arguments"))?.variables
    .arguments
  const home = around.usesSuper ? encoder.values[encoder.parentOf(id)] : undefined
  if (around.usesSuper && (typeof home !== "object" || home === null)) {
    encoder.refuse(id, "a method that uses `super` cannot be sent apart from its object")
  }
  return [
    Kind.function,
    [context],
    template,
    !Object.isExtensible(fn),
    encoder.properties(fn, id, (key) => isUsualProperty(fn, key, nameOf(fn, syntax), form)),
    functionPrototype(fn, id, encoder),
    encoder.slot(self, id, "this"),
    form === "arrow" && around.outerArguments.length > 0 ? encoder.slot(args, id, "arguments") : undefined,
    typeof home === "object" && home !== null
      ? encoder.slot(Object.getPrototypeOf(home), id, "super")
      : undefined,
  ]
}

/** `this` of an arrow function: of the function around it, or of the object it is a field of. */
function outerThis(
  syntax: FunctionSyntax,
  scopes: readonly Scope[],
  id: number,
  encoder: GraphEncoder,
): unknown {
  const marked = scopes.find((scope) => Object.hasOwn(scope.variables, thisMark))?.variables[thisMark]
  if (typeof marked === "function") return marked()
  const holder = encoder.values[encoder.parentOf(id)]
  if (typeof holder === "object" && holder !== null && hasArrowField(holder, syntax.source)) return holder
  return encoder.refuse(
    id,
    "an arrow function that uses `this` of the function around it cannot be sent; copy `this` to a const first",
  )
}

/** `prototype` of an ordinary function, where anything was done to it. */
function functionPrototype(fn: CallableFunction, id: number, encoder: GraphEncoder): Slot {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, "prototype")?.value
  if (typeof prototype !== "object" || prototype === null) return undefined
  const own = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value === fn
  const touched =
    !own || Reflect.ownKeys(prototype).length > 1 || Object.getPrototypeOf(prototype) !== Object.prototype
  const isGenerator = /Generator/.test(Object.prototype.toString.call(fn))
  if (!touched || (isGenerator && Reflect.ownKeys(prototype).length === 0)) return undefined
  return encoder.slot(prototype, id, "prototype")
}

export function classNode(
  { fn, context, template, id }: Described,
  syntax: NonNullable<FunctionSyntax["class"]>,
  encoder: GraphEncoder,
): Node {
  const base: unknown = Object.getPrototypeOf(fn)
  const extendsNull = syntax.heritage !== undefined && base === Function.prototype
  const baseSlot =
    syntax.heritage === undefined ? undefined : encoder.slot(extendsNull ? null : base, id, "extends")
  const privates = syntax.staticPrivates.length === 0 ? new Map<string, unknown>() : inspectPrivates(fn)
  const usual = (key: PropertyKey): boolean => {
    if (key === "length" || key === "prototype") return true
    const property = Object.getOwnPropertyDescriptor(fn, key)
    if (key === "name" && property?.value === fn.name) return true
    return hasText(property, syntax.memberTexts)
  }
  // What the prototype has become: replaced methods, added ones.
  encoder.slot(Object.getOwnPropertyDescriptor(fn, "prototype")?.value, id, "prototype")
  return [
    Kind.class,
    [context],
    template,
    !Object.isExtensible(fn),
    encoder.properties(fn, id, usual),
    baseSlot,
    computedKeys(fn, syntax).map((key) => encoder.slot(key, id, "computed key")),
    syntax.staticPrivates.map(({ name }) => encoder.slot(privates.get(name), id, name)),
    syntax.instancePrivates,
  ]
}

/** Whether a class of the object has a field that begins as an arrow function of this text. */
function hasArrowField(holder: object, source: string): boolean {
  for (let at: object | null = holder; at !== null; at = Object.getPrototypeOf(at)) {
    const owner: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value
    if (typeof owner !== "function" || !String(owner).includes(source)) continue
    if (parseFunction(String(owner)).class?.arrowFields.has(source)) return true
  }
  return false
}

export function refuseByText({ around }: FunctionSyntax, id: number, encoder: GraphEncoder): void {
  const [privateName] = around.outerPrivates
  if (around.usesEval) {
    encoder.refuse(id, "a function that calls eval cannot be sent: which variables it uses cannot be known")
  }
  if (privateName !== undefined) {
    encoder.refuse(
      id,
      `a function that uses ${privateName} of the class around it cannot be sent apart from the class`,
    )
  }
}

/** Whether the property is a method or accessor as the class's text has it. */
export function hasText(property: PropertyDescriptor | undefined, texts: ReadonlySet<string>): boolean {
  if (property === undefined) return false
  const functions: unknown[] = "value" in property ? [property.value] : [property.get, property.set]
  const present = functions.filter((one) => one !== undefined)
  return present.length > 0 && present.every((one) => typeof one === "function" && texts.has(String(one)))
}

/** A static member's own text may or may not have the word. */
function isOfText(fn: CallableFunction, text: string): boolean {
  const own = String(fn)
  return own === text || own === text.replace(/^static\s+/, "")
}

function isUsualProperty(
  fn: CallableFunction,
  key: PropertyKey,
  name: string,
  form: FunctionSyntax["form"],
): boolean {
  if (key === "name") {
    const prefix = form === "getter" ? "get " : form === "setter" ? "set " : ""
    return fn.name === prefix + name
  }
  return key === "length" || key === "prototype" || key === "arguments" || key === "caller"
}

export function nameOf(fn: CallableFunction, syntax: FunctionSyntax): string {
  const own: unknown = Object.getOwnPropertyDescriptor(fn, "name")?.value
  const name = typeof own === "string" ? own : ""
  return syntax.form === "getter" || syntax.form === "setter" ? name.replace(/^[gs]et /, "") : name
}

/** Sloppy functions have "caller" of their own; of other kinds of functions only their script tells. */
export function isStrict(
  fn: CallableFunction,
  syntax: FunctionSyntax,
  origin: NonNullable<FunctionInfo["origin"]>,
  scopes: readonly Scope[],
): boolean {
  if (syntax.form === "class") return false
  if (syntax.form === "function" && !/^async\b|^function\s*\*/.test(syntax.source))
    return !Object.hasOwn(fn, "caller")
  if (scopes.some((scope) => scope.kind === "module")) return true
  return origin.kind === "cell" && /^\s*(["'])use strict\1/.test(origin.script.code)
}

/** Keys of the class's computed members, in the order of its text; undefined where the text says enough. */
function computedKeys(
  fn: CallableFunction,
  syntax: NonNullable<FunctionSyntax["class"]>,
): (PropertyKey | undefined)[] {
  return syntax.computedKeys.map(({ text, isStatic, constant }) => {
    if (constant) return undefined
    const holder: object = isStatic ? fn : (fn as unknown as { prototype: object }).prototype
    return Reflect.ownKeys(holder).find((key) => {
      const { value, get, set } = Object.getOwnPropertyDescriptor(holder, key) ?? {}
      return [value, get, set].some((one) => typeof one === "function" && isOfText(one, text))
    })
  })
}
