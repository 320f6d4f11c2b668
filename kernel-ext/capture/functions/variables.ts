import type { GraphEncoder } from "../codec/encoder.ts"
import { isStandardGlobal } from "../codec/intrinsics.ts"
import { Kind, type Ref, type Slot } from "../codec/nodes.ts"
import type { Binding, CellBindings } from "../types.ts"
import { Context, newContextNode } from "./contexts.ts"
import { codeParameters, type Emitted, emit, Shape } from "./emit.ts"
import type { Scope } from "./inspect.ts"
import type { FunctionSyntax } from "./syntax.ts"

/** Finds the variables that functions use, and the contexts that hold them in the shipped code. */

/** Names that modules and cells get as parameters, and that workers have their own of. */
const moduleParameters = new Set<string>([...codeParameters, "module", "exports", "__imports"])

export class Variables {
  /** Specifiers of what the variables import. */
  readonly imports: Set<string>
  /** Values of properties of globalThis that are no standard ones. */
  readonly globals = new Map<string, Slot>()
  readonly #bindings: CellBindings | undefined
  readonly #rootShape = new Shape(0)
  #rootContext: Context | undefined
  /** What each function refers to by the names in its text. */
  readonly #uses = new Map<number, Ref[]>()

  constructor(bindings: CellBindings | undefined, imports: Set<string>) {
    this.#bindings = bindings
    this.imports = imports
  }

  usesOf(id: number): readonly Ref[] {
    return this.#uses.get(id) ?? []
  }

  /** The code, when all functions have been described; undefined where there was none. */
  finish(encoder: GraphEncoder): Emitted | undefined {
    this.#rootContext?.writeNode(encoder)
    return this.#rootContext === undefined ? undefined : emit(this.#rootShape)
  }

  /**
   * Takes in what function `id` uses.
   *
   * @param own its own name, where that means the function itself
   * @returns the innermost context that it needs.
   */
  take(
    syntax: FunctionSyntax,
    own: string | undefined,
    scopes: readonly Scope[],
    place: string,
    id: number,
    encoder: GraphEncoder,
  ): Context {
    const names = [...syntax.around.free].filter((name) => name !== own && !moduleParameters.has(name))
    const depths = names.map((name) =>
      scopes.findIndex((scope) => scope.kind !== "script" && Object.hasOwn(scope.variables, name)),
    )
    const innermost = Math.min(...depths.filter((depth) => depth >= 0))
    const chain = this.#chain(scopes, innermost, place, encoder)
    names.forEach((name, index) => {
      const depth = depths[index] ?? -1
      const context = chain[depth] ?? this.#root(encoder)
      if (depth < 0) this.#rootVariable(name, scopes, id, encoder)
      else this.#variable(context, name, scopes[depth]?.variables[name], id, encoder)
      this.#noteUse(context, name, id)
    })
    for (const name of syntax.around.globals) if (!isStandardGlobal(name)) this.#global(name, id, encoder)
    return chain[innermost] ?? this.#root(encoder)
  }

  /** Contexts of the scopes from `innermost` on outwards, by the scopes' order. None where it is Infinity. */
  #chain(
    scopes: readonly Scope[],
    innermost: number,
    place: string,
    encoder: GraphEncoder,
  ): (Context | undefined)[] {
    const chain: (Context | undefined)[] = []
    let context = this.#root(encoder)
    for (let at = scopes.length - 1; at >= innermost; at--) {
      const scope = scopes[at]
      if (scope === undefined || scope.kind === "script") continue
      context = context.enter(scope, place, at === 0, encoder)
      chain[at] = context
    }
    return chain
  }

  #root(encoder: GraphEncoder): Context {
    this.#rootContext ??= new Context(this.#rootShape, undefined, newContextNode(encoder), undefined)
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
    const root = this.#root(encoder)
    if (root.slots.has(name)) return
    const binding = this.#bindings?.lookup(name)
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

  #global(name: string, id: number, encoder: GraphEncoder): void {
    if (!(name in globalThis)) return
    this.globals.set(name, encoder.slot(Reflect.get(globalThis, name), id, `globalThis.${name}`))
  }

  /** Whether a function's own name within it means a variable around it, as it does in a declaration. */
  meansVariable(fn: CallableFunction, syntax: FunctionSyntax, scopes: readonly Scope[]): boolean {
    const name = syntax.name?.text
    if (syntax.form !== "function" || name === undefined || !syntax.around.free.has(name)) return false
    const scope = scopes.find((one) => Object.hasOwn(one.variables, name))
    if (scope !== undefined && scope.kind !== "script") return scope.variables[name] === fn
    const binding = this.#bindings?.lookup(name)
    if (binding !== undefined) return binding.kind === "value" && binding.value === fn
    return scope?.variables[name] === fn
  }
}

/** The kernel compiles some names of cells to others (`name__cell`). */
function asTyped(name: string): string {
  return name.replace(/__cell$/, "")
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
