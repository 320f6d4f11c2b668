import { createRequire } from "node:module"
import { CaptureError } from "../../errors.ts"
import { broadcastOf } from "../broadcast.ts"
import type { Aspects, GraphEncoder } from "../codec/encoder.ts"
import type { Known } from "../codec/known.ts"
import { exportOf } from "../codec/modules.ts"
import { isShareable, Kind, type Node, type Slot } from "../codec/nodes.ts"
import { recipeOf } from "../per-worker.ts"
import type { Broadcast, CellBindings, CellScript } from "../types.ts"
import { buildOrder } from "./build-order.ts"
import { classNode, functionNode, hasText, isStrict, nameOf, refuseByText } from "./describe.ts"
import type { Emitted, Shape } from "./emit.ts"
import { type FunctionInfo, functionInfo } from "./info.ts"
import type { Scope } from "./inspect.ts"
import { instanceRefusal } from "./instances.ts"
import { bundleLocalModules, isLocal, type LocalModules } from "./local-modules.ts"
import {
  builtinReference,
  moduleReference,
  noticeModules,
  packageReference,
  type Reference,
  wholeName,
} from "./references.ts"
import { type FunctionSyntax, isNewTargetOutside, parseFunction } from "./syntax.ts"
import { Variables } from "./variables.ts"

/**
 * Describes functions and classes as nodes, and gathers what the shipped code has to say. A map of this folder:
 *
 *     function-encoder.ts  by reference or by code? prototypes, what both sides know afterwards
 *     describe.ts          what a function or class has beside its code
 *     variables.ts         the variables it uses, in contexts (contexts.ts) that it may share with others
 *     emit.ts              the shipped code
 *     stack.ts             positions in it → the cell's own
 *     syntax.ts            what the text of a function says (free-names.ts, declared-names.ts)
 *     info.ts              what V8 says, kept for the next time (inspect.ts; origins.ts: where it was written)
 *     references.ts        modules and their exports; local-modules.ts: files beside the notebook
 *     instances.ts         classes of which no instance can be sent
 *     build-order.ts       what perWorker builds first
 *     result-resolver.ts   what results may refer to
 */

export interface Surrounds {
  readonly bindings: CellBindings | undefined
  readonly folder: string
  readonly known: Known
  readonly sharesMemory: boolean
  /** Broadcast values that go along with the function, by hash. */
  readonly broadcasts: Map<string, Broadcast>
  /** Whether the function is on its way already, and values of later messages are encoded. */
  readonly isShipped: boolean
}

interface Finished {
  readonly shared: readonly (readonly [number, number])[]
  readonly emitted: Emitted | undefined
  readonly globals: readonly (readonly [string, Slot])[]
  readonly modules: LocalModules | undefined
  readonly late: readonly number[]
}

export class FunctionEncoder implements Aspects {
  readonly imports = new Set<string>()
  readonly #surrounds: Surrounds
  /** Names that functions use and do not declare. */
  readonly freeNames = new Set<string>()
  readonly #cells: readonly CellScript[]
  readonly #variables: Variables
  #modulesNoticed = false

  constructor(surrounds: Surrounds) {
    this.#surrounds = surrounds
    this.#cells = surrounds.bindings?.scripts() ?? []
    this.#variables = new Variables(surrounds.bindings, this.imports)
  }

  get sharesMemory(): boolean {
    return this.#surrounds.sharesMemory
  }

  reference(value: object | symbol, id: number, encoder: GraphEncoder): Node | undefined {
    const number = this.#surrounds.known.shippedNumberOf(value)
    if (number !== undefined) return [Kind.known, number]
    if (typeof value !== "object") return undefined
    const recipe = recipeOf(value)
    if (recipe !== undefined) return [Kind.perWorker, recipe.id, encoder.slot(recipe.build, id, "perWorker")]
    const sent = broadcastOf(value)
    if (sent !== undefined) return this.#broadcast(sent)
    if (!this.#modulesNoticed) noticeModules()
    this.#modulesNoticed = true
    const module = moduleReference(value, this.#surrounds.folder, this.imports)
    return module === undefined
      ? this.#prototype(value, id, encoder)
      : this.#import(module, value, id, encoder)
  }

  /** By its hash where it goes along with the function, or went. */
  #broadcast(sent: Broadcast): Node {
    const { broadcasts, isShipped } = this.#surrounds
    const { hash, encoded } = sent
    if (!isShipped) broadcasts.set(hash, sent)
    return broadcasts.has(hash)
      ? [Kind.broadcast, hash]
      : [Kind.broadcast, hash, encoded.bytes, encoded.blobs]
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
    const emitted = this.#variables.finish(encoder)
    const shared: [number, number][] = []
    encoder.nodes.forEach((node, id) => {
      if (isShareable(node)) shared.push([id, this.#share(node, encoder.values[id])])
    })
    return {
      shared,
      emitted,
      globals: [...this.#variables.globals],
      modules: this.#localModules(),
      late: buildOrder(encoder.nodes, (id) => this.#variables.usesOf(id)),
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
      if (builtin !== undefined) return this.#import(builtin, fn, id, encoder)
      return encoder.refuse(
        id,
        `${name} is native code of Node and cannot be sent; call it from a function of your own`,
      )
    }
    if (origin.kind === "node") {
      const builtin = builtinReference(fn)
      if (builtin !== undefined) return this.#import(builtin, fn, id, encoder)
      return encoder.refuse(
        id,
        `${name} belongs to Node (${origin.module}) and cannot be sent; make it in the worker with perWorker(() => …)`,
      )
    }
    if (origin.kind !== "package") return undefined
    const found = packageReference(fn, origin.url, this.#surrounds.folder)
    if (found !== undefined) return this.#import(found, fn, id, encoder)
    // What the library itself sends to workers, `cellfan hello` among it.
    if (origin.name === "cellfan") return undefined
    return encoder.refuse(
      id,
      `${name} belongs to the package ${origin.name} and is none of its exports; ` +
        "make what needs it inside the function, or in the worker with perWorker(() => …)",
    )
  }

  #import({ specifier, path }: Reference, value: unknown, id: number, encoder: GraphEncoder): Node {
    this.imports.add(specifier)
    const [first = wholeName(value), ...rest] = path
    const last = rest.pop()
    if (last === undefined) return [Kind.import, specifier, first]
    let holder = encoder.addNode([Kind.import, specifier, first], id, "")
    for (const key of rest) holder = encoder.addNode([Kind.member, holder, key], id, "")
    return [Kind.member, holder, last]
  }

  /** The `prototype` of a function, which its function brings along. */
  #prototype(value: object, id: number, encoder: GraphEncoder): Node | undefined {
    const owner: unknown = Object.getOwnPropertyDescriptor(value, "constructor")?.value
    if (typeof owner !== "function" || owner.prototype !== value) return undefined
    const info = functionInfo(owner, this.#cells)
    if (info.origin === undefined || info.origin.kind === "node") return undefined
    const slot = encoder.slot(owner, id, "")
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
      const reason = isNewTargetOutside(cause)
        ? "an arrow function that uses `new.target` of the function around it cannot be sent"
        : `the source of ${fn.name || "this function"} is gone or cannot be read`
      return encoder.refuse(id, reason, { cause })
    }
  }

  #byCode(fn: CallableFunction, info: FunctionInfo, id: number, encoder: GraphEncoder): Node {
    const syntax = this.#parse(fn, info, id, encoder)
    refuseByText(syntax, id, encoder)
    const scopes = info.scopes()
    const unnamed = this.#variables.meansVariable(fn, syntax, scopes)
    const own = unnamed ? undefined : syntax.name?.text
    const context = this.#variables.take(syntax, own, scopes, info.place, id, encoder)
    for (const specifier of syntax.around.specifiers) this.imports.add(specifier)
    for (const name of [...syntax.around.free, ...syntax.around.globals]) this.freeNames.add(name)
    const template = this.#template(context.shape, fn, info, syntax, unnamed, scopes)
    const described = { fn, syntax, scopes, context: context.id, template, id }
    return syntax.class === undefined
      ? functionNode(described, encoder)
      : classNode(described, syntax.class, encoder)
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
}

/** What an import gives in this process. */
function importHere(folder: string, specifier: string, name: string): unknown {
  return exportOf(createRequire(`${folder}/notebook.js`)(specifier), name)
}
