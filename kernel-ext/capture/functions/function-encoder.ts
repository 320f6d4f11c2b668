import { createRequire } from "node:module"
import { CaptureError } from "../../errors.ts"
import { broadcastOf } from "../broadcast.ts"
import type { Aspects, GraphEncoder } from "../codec/encoder.ts"
import { isStandardGlobal } from "../codec/intrinsics.ts"
import type { Known } from "../codec/known.ts"
import { exportOf } from "../codec/modules.ts"
import { isShareable, Kind, type Node, type Ref, type Slot } from "../codec/nodes.ts"
import { thisMark } from "../marks.ts"
import { recipeOf } from "../per-worker.ts"
import type { Binding, CellBindings, CellScript } from "../types.ts"
import { buildOrder } from "./build-order.ts"
import { Context, newContextNode } from "./contexts.ts"
import { codeParameters, type Emitted, emit, Shape } from "./emit.ts"
import { type FunctionInfo, functionInfo } from "./info.ts"
import { inspectPrivates, type Scope } from "./inspect.ts"
import { instanceRefusal } from "./instances.ts"
import { bundleLocalModules, isLocal, type LocalModules } from "./local-modules.ts"
import {
  builtinReference,
  moduleReference,
  noticeModules,
  packageReference,
  type Reference,
} from "./references.ts"
import { type FunctionSyntax, parseFunction } from "./syntax.ts"

/** Describes functions and classes as nodes, and gathers what the shipped code has to say. */

export interface Surrounds {
  readonly bindings: CellBindings | undefined
  readonly folder: string
  readonly known: Known
}

interface Finished {
  readonly shared: readonly (readonly [number, number])[]
  readonly emitted: Emitted | undefined
  readonly modules: LocalModules | undefined
  readonly late: readonly number[]
}

/** Names that modules and cells get as parameters, and that workers have their own of. */
const moduleParameters = new Set<string>([...codeParameters, "module", "exports", "__imports"])

export class FunctionEncoder implements Aspects {
  readonly imports = new Set<string>()
  readonly #surrounds: Surrounds
  readonly #cells: readonly CellScript[]
  readonly #root = new Shape(0)
  #rootContext: Context | undefined
  #modulesNoticed = false
  /** What each function refers to by the names in its text. */
  readonly #uses = new Map<number, Ref[]>()

  constructor(surrounds: Surrounds) {
    this.#surrounds = surrounds
    this.#cells = surrounds.bindings?.scripts() ?? []
  }

  reference(value: object | symbol, id: number, encoder: GraphEncoder): Node | undefined {
    const number = this.#surrounds.known.numberOf(value)
    if (number !== undefined) return [Kind.known, number]
    if (typeof value !== "object") return undefined
    const recipe = recipeOf(value)
    if (recipe !== undefined) return [Kind.perWorker, recipe.id, encoder.slot(recipe.build, id, "perWorker")]
    const sent = broadcastOf(value)
    if (sent !== undefined) return [Kind.broadcast, sent.hash, sent.encoded.bytes, sent.encoded.blobs]
    if (!this.#modulesNoticed) noticeModules()
    this.#modulesNoticed = true
    const module = moduleReference(value, this.#surrounds.folder, this.imports)
    return module === undefined ? this.#prototype(value, id, encoder) : this.#import(module, id, encoder)
  }

  instance(value: object, prototype: object, id: number, encoder: GraphEncoder): boolean {
    const refusal = instanceRefusal(prototype, this.#cells)
    if (refusal === undefined) return true
    // Errors of Node's own classes keep all but the class.
    return value instanceof Error && !refusal.includes("private") ? false : encoder.refuse(id, refusal)
  }

  function(fn: CallableFunction, id: number, encoder: GraphEncoder): Node {
    const info = functionInfo(fn, this.#cells)
    if (info.bound !== undefined) {
      const { target, self, args } = info.bound
      const slots = args.map((argument, index) => encoder.slot(argument, id, `bound argument ${index}`))
      return [
        Kind.bound,
        encoder.slot(target, id, "bound function"),
        encoder.slot(self, id, "bound this"),
        slots,
        encoder.properties(fn, id, (key) => key === "name" || key === "length"),
      ]
    }
    return this.#byReference(fn, info, id, encoder) ?? this.#byCode(fn, info, id, encoder)
  }

  /** Writes contexts and code when all values have been described. */
  finish(encoder: GraphEncoder): Finished {
    this.#rootContext?.writeNode(encoder)
    const shared: [number, number][] = []
    encoder.nodes.forEach((node, id) => {
      if (isShareable(node)) shared.push([id, this.#share(node, encoder.values[id])])
    })
    return {
      shared,
      emitted: this.#rootContext === undefined ? undefined : emit(this.#root),
      modules: this.#localModules(),
      late: buildOrder(encoder.nodes, (id) => this.#uses.get(id) ?? []),
    }
  }

  /** The notebook's own files among the imports, which then are no imports any more. */
  #localModules(): LocalModules | undefined {
    const local = [...this.imports].filter(isLocal)
    if (local.length === 0) return undefined
    let modules: LocalModules
    try {
      modules = bundleLocalModules(local, this.#surrounds.folder)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new CaptureError(`The module ${local.join(", ")} cannot be sent: ${reason}`, {
        path: local,
        cause,
      })
    }
    for (const specifier of local) this.imports.delete(specifier)
    for (const specifier of modules.imports) this.imports.add(specifier)
    return modules
  }

  #share(node: Node, value: unknown): number {
    const { known, folder } = this.#surrounds
    if (typeof value === "function" || typeof value === "symbol") return known.add(value)
    if (node[0] !== Kind.import || value !== undefined) return known.add(value)
    return known.addLazy(() => importHere(folder, node[1] as string, node[2] as string))
  }

  /** Functions of Node and of packages travel as the import that finds them. */
  #byReference(
    fn: CallableFunction,
    info: FunctionInfo,
    id: number,
    encoder: GraphEncoder,
  ): Node | undefined {
    const { origin } = info
    const name = fn.name === "" ? "an anonymous function" : `the function ${fn.name}`
    if (origin === undefined) {
      const builtin = builtinReference(fn)
      if (builtin !== undefined) return this.#import(builtin, id, encoder)
      return encoder.refuse(
        id,
        `${name} is native code of Node and cannot be sent; call it from a function of your own`,
      )
    }
    if (origin.kind === "node") {
      const builtin = builtinReference(fn)
      if (builtin !== undefined) return this.#import(builtin, id, encoder)
      return encoder.refuse(
        id,
        `${name} belongs to Node (${origin.module}) and cannot be sent; make it in the worker with perWorker(() => …)`,
      )
    }
    if (origin.kind !== "package") return undefined
    const found = packageReference(fn, origin.url, this.#surrounds.folder)
    if (found !== undefined) return this.#import(found, id, encoder)
    return encoder.refuse(
      id,
      `${name} belongs to the package ${origin.name} and is none of its exports; ` +
        "make what needs it inside the function, or in the worker with perWorker(() => …)",
    )
  }

  #import(reference: Reference, id: number, encoder: GraphEncoder): Node {
    this.imports.add(reference.specifier)
    const [first, ...rest] = reference.path
    const last = rest.pop()
    if (last === undefined) return [Kind.import, reference.specifier, first ?? "*"]
    let holder = encoder.addNode([Kind.import, reference.specifier, first ?? "*"], id, "")
    for (const key of rest) holder = encoder.addNode([Kind.member, holder, key], id, "")
    return [Kind.member, holder, last]
  }

  /** The `prototype` of a function, which its function brings along. */
  #prototype(value: object, id: number, encoder: GraphEncoder): Node | undefined {
    const owner: unknown = Object.getOwnPropertyDescriptor(value, "constructor")?.value
    if (typeof owner !== "function" || owner.prototype !== value) return undefined
    const info = functionInfo(owner, this.#cells)
    if (info.origin === undefined || info.origin.kind === "node") return undefined
    const slot = encoder.slot(owner, id, "constructor")
    if (info.origin.kind === "package") return [Kind.prototype, slot, []]
    const texts = this.#parse(owner, info, id, encoder).class?.memberTexts
    const asWritten = (key: PropertyKey): boolean =>
      key === "constructor" ||
      (texts !== undefined && hasText(Object.getOwnPropertyDescriptor(value, key), texts))
    return [Kind.prototype, slot, encoder.properties(value, id, asWritten)]
  }

  #parse(fn: CallableFunction, info: FunctionInfo, id: number, encoder: GraphEncoder): FunctionSyntax {
    try {
      return parseFunction(info.source)
    } catch (cause) {
      return encoder.refuse(id, `the source of ${fn.name || "this function"} is gone or cannot be read`, {
        cause,
      })
    }
  }

  #byCode(fn: CallableFunction, info: FunctionInfo, id: number, encoder: GraphEncoder): Node {
    const syntax = this.#parse(fn, info, id, encoder)
    refuseByText(syntax, id, encoder)
    const scopes = info.scopes()
    const chain = this.#chain(scopes, info.place, encoder)
    const unnamed = this.#meansVariable(fn, syntax, scopes)
    const own = unnamed ? undefined : syntax.name?.text
    let context = this.#rootOf(encoder)
    let depth = -1
    for (const name of syntax.around.free) {
      if (name === own || moduleParameters.has(name)) continue
      const at = scopes.findIndex((scope) => scope.kind !== "script" && Object.hasOwn(scope.variables, name))
      if (at < 0) {
        this.#rootVariable(name, scopes, id, encoder)
        this.#noteUse(this.#rootOf(encoder), name, id)
      } else {
        const found = chain[at]
        if (found === undefined) continue
        this.#variable(found, name, scopes[at]?.variables[name], id, encoder)
        this.#noteUse(found, name, id)
        if (depth < 0 || at < depth) {
          depth = at
          context = found
        }
      }
    }
    for (const name of syntax.around.globals)
      if (!isStandardGlobal(name)) this.#globalVariable(name, id, encoder)
    for (const specifier of syntax.around.specifiers) this.imports.add(specifier)
    const template = this.#template(context.shape, fn, info, syntax, unnamed, scopes)
    return syntax.class !== undefined
      ? this.#classNode(fn, syntax.class, context, template, id, encoder)
      : this.#functionNode(fn, syntax, scopes, context, template, id, encoder)
  }

  /** Contexts of the scopes, by the scopes' order. */
  #chain(scopes: readonly Scope[], place: string, encoder: GraphEncoder): (Context | undefined)[] {
    const chain: (Context | undefined)[] = []
    let context = this.#rootOf(encoder)
    for (let at = scopes.length - 1; at >= 0; at--) {
      const scope = scopes[at]
      if (scope === undefined || scope.kind === "script") continue
      context = context.enter(scope, place, at === 0, encoder)
      chain[at] = context
    }
    return chain
  }

  #rootOf(encoder: GraphEncoder): Context {
    this.#rootContext ??= new Context(this.#root, undefined, newContextNode(encoder), undefined)
    return this.#rootContext
  }

  #variable(context: Context, name: string, value: unknown, id: number, encoder: GraphEncoder): void {
    if (context.slots.has(name)) return
    context.shape.declare(name)
    context.slots.set(name, encoder.slot(value, id, asTyped(name)))
  }

  #noteUse(context: Context, name: string, id: number): void {
    const slot = context.slots.get(name)
    if (typeof slot !== "object" || slot === null) return
    const uses = this.#uses.get(id)
    if (uses === undefined) this.#uses.set(id, [slot])
    else uses.push(slot)
  }

  /** A name that no closure has: a cell's, a script's, or a global variable somebody made. */
  #rootVariable(name: string, scopes: readonly Scope[], id: number, encoder: GraphEncoder): void {
    const root = this.#rootOf(encoder)
    if (root.slots.has(name)) return
    const binding = this.#surrounds.bindings?.lookup(name)
    switch (binding?.kind) {
      case "value":
        this.#variable(root, name, binding.value, id, encoder)
        return
      case "uninitialized":
        root.shape.declare(name)
        root.shape.uninitialized.add(name)
        root.slots.set(name, undefined)
        return
      case "import":
        this.imports.add(binding.specifier)
        root.shape.declare(name)
        root.slots.set(name, importedSlot(binding, id, name, encoder))
        return
    }
    const script = scopes.find((scope) => scope.kind === "script" && Object.hasOwn(scope.variables, name))
    if (script !== undefined) this.#variable(root, name, script.variables[name], id, encoder)
    else if (name in globalThis && !isStandardGlobal(name)) {
      this.#variable(root, name, Reflect.get(globalThis, name), id, encoder)
    }
  }

  #globalVariable(name: string, id: number, encoder: GraphEncoder): void {
    if (!(name in globalThis)) return
    this.globals.set(name, encoder.slot(Reflect.get(globalThis, name), id, `globalThis.${name}`))
  }

  /** Values of properties of globalThis that are no standard ones. */
  readonly globals = new Map<string, Slot>()

  /** Whether a function's own name within it means a variable around it, as it does in a declaration. */
  #meansVariable(fn: CallableFunction, syntax: FunctionSyntax, scopes: readonly Scope[]): boolean {
    const name = syntax.name?.text
    if (syntax.form !== "function" || name === undefined || !syntax.around.free.has(name)) return false
    const scope = scopes.find((one) => Object.hasOwn(one.variables, name))
    if (scope !== undefined && scope.kind !== "script") return scope.variables[name] === fn
    const binding = this.#surrounds.bindings?.lookup(name)
    if (binding !== undefined) return binding.kind === "value" && binding.value === fn
    return scope?.variables[name] === fn
  }

  #template(
    shape: Shape,
    fn: CallableFunction,
    info: FunctionInfo,
    syntax: FunctionSyntax,
    unnamed: boolean,
    scopes: readonly Scope[],
  ): number {
    const { origin } = info
    if (origin === undefined) throw new Error("A native function has no template")
    const givenName = nameOf(fn, syntax)
    const strict = syntax.strict || isStrict(fn, syntax, origin, scopes)
    const where = origin.kind === "cell" ? `${origin.script.file}:${origin.offset}` : info.place
    const key = [where, givenName, unnamed, strict, info.source].join("\0")
    return shape.template(key, () => ({ syntax, givenName, unnamed, strict, origin }))
  }

  #functionNode(
    fn: CallableFunction,
    syntax: FunctionSyntax,
    scopes: readonly Scope[],
    context: Context,
    template: number,
    id: number,
    encoder: GraphEncoder,
  ): Node {
    const { around, form } = syntax
    const self =
      form === "arrow" && around.outerThis.length > 0
        ? this.#outerThis(syntax, scopes, id, encoder)
        : undefined
    const args = scopes.find((scope) => Object.hasOwn(scope.variables, "arguments"))?.variables.arguments
    const home = around.usesSuper ? encoder.values[encoder.parentOf(id)] : undefined
    if (around.usesSuper && (typeof home !== "object" || home === null)) {
      encoder.refuse(id, "a method that uses `super` cannot be sent apart from its object")
    }
    return [
      Kind.function,
      [context.id],
      template,
      !Object.isExtensible(fn),
      encoder.properties(fn, id, (key) => isUsualProperty(fn, key, nameOf(fn, syntax), form)),
      this.#functionPrototype(fn, id, encoder),
      encoder.slot(self, id, "this"),
      form === "arrow" && around.outerArguments.length > 0 ? encoder.slot(args, id, "arguments") : undefined,
      typeof home === "object" && home !== null
        ? encoder.slot(Object.getPrototypeOf(home), id, "super")
        : undefined,
    ]
  }

  /** `this` of an arrow function: of the function around it, or of the object it is a field of. */
  #outerThis(syntax: FunctionSyntax, scopes: readonly Scope[], id: number, encoder: GraphEncoder): unknown {
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
  #functionPrototype(fn: CallableFunction, id: number, encoder: GraphEncoder): Slot {
    const prototype: unknown = Object.getOwnPropertyDescriptor(fn, "prototype")?.value
    if (typeof prototype !== "object" || prototype === null) return undefined
    const own = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value === fn
    const touched =
      !own || Reflect.ownKeys(prototype).length > 1 || Object.getPrototypeOf(prototype) !== Object.prototype
    const isGenerator = /Generator/.test(Object.prototype.toString.call(fn))
    if (!touched || (isGenerator && Reflect.ownKeys(prototype).length === 0)) return undefined
    return encoder.slot(prototype, id, "prototype")
  }

  #classNode(
    fn: CallableFunction,
    syntax: NonNullable<FunctionSyntax["class"]>,
    context: Context,
    template: number,
    id: number,
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
      [context.id],
      template,
      !Object.isExtensible(fn),
      encoder.properties(fn, id, usual),
      baseSlot,
      computedKeys(fn, syntax).map((key) => encoder.slot(key, id, "computed key")),
      syntax.staticPrivates.map(({ name }) => encoder.slot(privates.get(name), id, name)),
    ]
  }
}

/** The kernel compiles some names of cells to others (`name__cell`). */
function asTyped(name: string): string {
  return name.replace(/__cell$/, "")
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

function refuseByText({ around }: FunctionSyntax, id: number, encoder: GraphEncoder): void {
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
  if (around.usesOuterNewTarget) {
    encoder.refuse(id, "an arrow function that uses `new.target` of the function around it cannot be sent")
  }
}

/** Whether the property is a method or accessor as the class's text has it. */
function hasText(property: PropertyDescriptor | undefined, texts: ReadonlySet<string>): boolean {
  if (property === undefined) return false
  const functions: unknown[] = "value" in property ? [property.value] : [property.get, property.set]
  const present = functions.filter((one) => one !== undefined)
  return present.length > 0 && present.every((one) => typeof one === "function" && texts.has(String(one)))
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

function nameOf(fn: CallableFunction, syntax: FunctionSyntax): string {
  const own: unknown = Object.getOwnPropertyDescriptor(fn, "name")?.value
  const name = typeof own === "string" ? own : ""
  return syntax.form === "getter" || syntax.form === "setter" ? name.replace(/^[gs]et /, "") : name
}

/** Sloppy functions have "caller" of their own; of other kinds of functions only their script tells. */
function isStrict(
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
    return Reflect.ownKeys(holder).find((key) =>
      hasText(Object.getOwnPropertyDescriptor(holder, key), new Set([text])),
    )
  })
}

/** The import, as the node of what it holds where that is known. */
function importedSlot(
  { specifier, name, value }: Extract<Binding, { kind: "import" }>,
  id: number,
  key: string,
  encoder: GraphEncoder,
): Slot {
  const hasIdentity = (typeof value === "object" && value !== null) || typeof value === "function"
  return encoder.addNode([Kind.import, specifier, name], id, key, hasIdentity ? value : undefined)
}

/** What an import gives in this process. */
function importHere(folder: string, specifier: string, name: string): unknown {
  return exportOf(createRequire(`${folder}/notebook.js`)(specifier), name)
}
