import { Script } from "node:vm"
import { integer, list, text } from "../codec/checked.ts"
import type { GraphDecoder, Resolver } from "../codec/decoder.ts"
import type { Known } from "../codec/known.ts"
import { exportOf } from "../codec/modules.ts"
import { type Graph, Kind, type Node } from "../codec/nodes.ts"
import { broadcastValue, openBroadcast } from "./broadcasts.ts"
import type { Imports } from "./imports.ts"
import { notePrivates } from "./returnable.ts"

/** What one context of shipped code gives: a setter of its variables, its templates, the contexts within it. */
type Activation = readonly [
  set: (values: readonly unknown[]) => void,
  templates: readonly ((slots: TemplateSlots) => CallableFunction)[],
  contexts: readonly (() => Activation)[],
]

/** What a template's function takes from outside of its text, and hands back for later. */
interface TemplateSlots {
  base?: unknown
  keys?: readonly unknown[]
  self?: unknown
  args?: unknown
  home?: object
  setPrivates?: (values: readonly unknown[]) => void
}

/** What perWorker functions have built in this process, by where they come from and their id. */
const built = new Map<string, unknown>()

function builtHere(key: string, build: () => unknown): unknown {
  if (!built.has(key)) built.set(key, build())
  return built.get(key)
}

/** By its hash alone where it came with the function. */
function received(node: Node): unknown {
  if (node[2] === undefined) return broadcastValue(text(node[1]))
  return openBroadcast({ bytes: node[2] as Uint8Array, blobs: node[3] as Uint8Array[] })
}

/** Its parameters are `codeParameters` of emit.ts. */
type Factory = (...parameters: unknown[]) => Activation

/** Evaluated codes by hash: the next shipment of the same code costs nothing. */
const factories = new Map<string, Factory>()
const maxFactories = 200

function factoryOf(code: { hash: string; text: string }): Factory {
  const known = factories.get(code.hash)
  if (known !== undefined) return known
  for (const oldest of factories.size < maxFactories ? [] : factories.keys()) {
    factories.delete(oldest)
    break
  }
  // The file name is how a stack's lines are mapped back to the cell's.
  const factory = new Script(code.text, { filename: `cellfan-${code.hash}.js` }).runInThisContext() as Factory
  factories.set(code.hash, factory)
  return factory
}

/** Makes what carries code. Used where the code was written by our own host only. */
export class CodeResolver implements Resolver {
  readonly trusted = true
  readonly known: Known
  readonly #imports: Imports
  readonly #origin: string
  readonly #slots = new WeakMap<object, TemplateSlots>()

  /** @param origin Ids of what perWorker builds mean the same within one origin only. */
  constructor(known: Known, imports: Imports, origin = "") {
    this.known = known
    this.#imports = imports
    this.#origin = origin
  }

  prepare({ modules }: Graph): void {
    if (modules !== undefined) this.#imports.add(modules)
  }

  make(node: Node, _id: number, decoder: GraphDecoder): unknown {
    switch (node[0]) {
      case Kind.import:
        return exportOf(this.#imports.require(text(node[1])), text(node[2]))
      case Kind.member:
        return Reflect.get(decoder.value(node[1]) as object, text(node[2]))
      case Kind.prototype:
        return (decoder.value(node[1]) as { prototype: unknown }).prototype
      case Kind.context:
        return this.#activate(node, decoder)
      case Kind.function:
        return this.#instantiate(node, decoder, {})
      case Kind.class:
        return this.#makeClass(node, decoder)
      case Kind.perWorker:
        return builtHere(`${this.#origin} ${text(node[1])}`, decoder.value(node[2]) as () => unknown)
      case Kind.broadcast:
        return received(node)
      case Kind.bound: {
        const target = decoder.value(node[1]) as CallableFunction
        const args = list(node[3]).map((slot) => decoder.value(slot))
        return Function.prototype.bind.call(target, decoder.value(node[2]), ...args)
      }
      default:
        throw new TypeError(`There is no kind ${String(node[0])} of nodes`)
    }
  }

  fill(node: Node, _id: number, made: unknown, decoder: GraphDecoder): void {
    switch (node[0]) {
      case Kind.context:
        this.#setVariables(node, made as Activation, decoder)
        break
      case Kind.prototype:
        decoder.define(made as object, node[2])
        break
      case Kind.bound:
        decoder.define(made as object, node[4])
        break
      case Kind.function:
        this.#fillFunction(node, made as CallableFunction, decoder)
        break
      case Kind.class:
        decoder.define(made as object, node[4])
        this.#slots.get(made as object)?.setPrivates?.(list(node[7]).map((slot) => decoder.value(slot)))
        break
    }
  }

  fillLate(node: Node, id: number, made: unknown, decoder: GraphDecoder): void {
    const values: unknown[] = []
    list(node[3]).forEach((slot, index) => {
      if (Array.isArray(slot) && slot[0] === id) values[index] = decoder.value(slot)
    })
    ;(made as Activation)[0](values)
  }

  #setVariables(node: Node, [set]: Activation, decoder: GraphDecoder): void {
    const values: unknown[] = []
    list(node[3]).forEach((slot, index) => {
      if (!decoder.isLate(slot)) values[index] = decoder.value(slot)
    })
    set(values)
  }

  #activate(node: Node, decoder: GraphDecoder): Activation {
    const index = integer(node[1])
    if (node[2] === undefined) {
      const { code } = decoder.graph
      if (code === undefined) throw new TypeError("The message has functions and no code")
      const { require, import: importer } = this.#imports
      const { meta } = importer
      return factoryOf(code)(require, importer, importer, meta, meta.filename, meta.dirname)
    }
    const parent = decoder.value(node[2]) as Activation
    const context = parent[2][index]
    if (context === undefined) throw new RangeError(`The code has no context ${index}`)
    return context()
  }

  #instantiate(node: Node, decoder: GraphDecoder, slots: TemplateSlots): CallableFunction {
    const [, templates] = decoder.value(node[1]) as Activation
    const template = templates[integer(node[2])]
    if (template === undefined) throw new RangeError(`The code has no template ${String(node[2])}`)
    const made = template(slots)
    this.#slots.set(made, slots)
    return made
  }

  #makeClass(node: Node, decoder: GraphDecoder): CallableFunction {
    const made = this.#instantiate(node, decoder, {
      base: decoder.value(node[5]),
      keys: list(node[6]).map((slot) => decoder.value(slot)),
    })
    notePrivates(made, list(node[8]))
    return made
  }

  #fillFunction(node: Node, made: CallableFunction, decoder: GraphDecoder): void {
    const slots = this.#slots.get(made) ?? {}
    if (node[5] !== undefined) Reflect.set(made, "prototype", decoder.value(node[5]))
    slots.self = decoder.value(node[6])
    slots.args = decoder.value(node[7])
    if (node[8] !== undefined && slots.home !== undefined) {
      Object.setPrototypeOf(slots.home, decoder.value(node[8]) as object | null)
    }
    decoder.define(made, node[4])
  }
}
