import { types } from "node:util"
import { bytes, integer, list, number, text } from "./checked.ts"
import { intrinsicByName } from "./intrinsics.ts"
import type { Known } from "./known.ts"
import { Flag, type Graph, Kind, type Node } from "./nodes.ts"
import { bareError, makePlatformObject, makeSymbol } from "./platform.ts"
import { makeView, ownBuffer } from "./views.ts"

/**
 * Makes values from nodes of the graph format, in two steps: each object is made when first asked for, and filled when
 * all have been made, so that cycles need no care. Trusts nothing that it reads: the nodes may come from anywhere.
 */

/** What only one side knows. A method that is absent refuses its kinds. */
export interface Resolver {
  readonly known: Known
  /** Takes in what the nodes need, before any of them is made. */
  prepare?(graph: Graph): void
  /** Makes a value of the kinds from import on. */
  make?(node: Node, id: number, decoder: GraphDecoder): unknown
  fill?(node: Node, id: number, made: unknown, decoder: GraphDecoder): void
  /** Gives a context the value of node `id`, which was built late. */
  fillLate?(node: Node, id: number, made: unknown, decoder: GraphDecoder): void
  /** False: data only. No accessors, no functions but known ones, nothing that `await` would call. */
  readonly trusted: boolean
}

const maxSparseLength = 1_000_000

/** "found": known since an earlier message, and filled. */
type State = "making" | "made" | "found"

export class GraphDecoder {
  readonly graph: Graph
  readonly resolver: Resolver
  readonly #numbers: ReadonlyMap<number, number>
  readonly #late = new Set<number>()
  readonly #made: unknown[] = []
  readonly #states: State[] = []

  constructor(graph: Graph, resolver: Resolver) {
    this.graph = graph
    this.resolver = resolver
    this.#numbers = new Map(resolver.trusted ? graph.shared : [])
  }

  /** Makes and fills all, and gives the values of the roots. */
  decode(): unknown[] {
    const { nodes, roots, globals = [] } = this.graph
    this.resolver.prepare?.(this.graph)
    for (let id = 0; id < nodes.length; id++) {
      const kind = nodes[id]?.[0]
      if (kind === Kind.perWorker) this.#late.add(id)
      // Only a slot says whether a prototype of the platform stands where it may.
      else if (kind !== Kind.intrinsic) this.#make(id)
    }
    const waiting: number[] = []
    for (let id = 0; id < nodes.length; id++) {
      if (this.#states[id] !== "made") continue
      if (this.#late.size > 0 && this.#mentionsLate(nodes[id])) waiting.push(id)
      else this.#fill(id)
    }
    this.#buildLate(waiting)
    for (let id = 0; id < nodes.length; id++) if (this.#states[id] === "made") this.#seal(id)
    for (const [name, slot] of this.resolver.trusted ? globals : [])
      Reflect.set(globalThis, name, this.value(slot))
    return roots.map((slot) => this.value(slot))
  }

  /** Whether the slot is of something that can only be built when all else is there. */
  isLate(slot: unknown): boolean {
    return Array.isArray(slot) && this.#late.has(slot[0])
  }

  #mentionsLate(part: unknown): boolean {
    return Array.isArray(part) && (this.isLate(part) || part.some((inner) => this.#mentionsLate(inner)))
  }

  /** What perWorker builds may call any function of the message: contexts get it afterwards, all else is filled then. */
  #buildLate(waiting: readonly number[]): void {
    const { nodes } = this.graph
    const contexts = waiting.filter((id) => nodes[id]?.[0] === Kind.context)
    for (const id of contexts) this.#fill(id)
    for (const id of this.graph.late ?? this.#late) {
      this.#make(id)
      this.#late.delete(id)
      for (const context of contexts)
        this.resolver.fillLate?.(nodes[context] as Node, id, this.#made[context], this)
    }
    for (const id of waiting) if (!contexts.includes(id)) this.#fill(id)
  }

  value(slot: unknown): unknown {
    if (typeof slot !== "object" || slot === null) return slot
    return this.#make(integer(list(slot)[0]))
  }

  #make(id: number): unknown {
    const state = this.#states[id]
    if (state === "made" || state === "found") return this.#made[id]
    const node = this.graph.nodes[id]
    if (node === undefined) throw new RangeError(`Node ${id} of ${this.graph.nodes.length} is missing`)
    const number = this.#numbers.get(id)
    if (number !== undefined && this.resolver.known.has(number)) {
      this.#states[id] = "found"
      this.#made[id] = this.resolver.known.valueOf(number)
      return this.#made[id]
    }
    if (state === "making") throw new RangeError(`Node ${id} needs itself to be made`)
    this.#states[id] = "making"
    const made = this.#shell(node, id)
    this.#made[id] = made
    this.#states[id] = "made"
    if (number !== undefined) this.resolver.known.set(number, made)
    return made
  }

  #shell(node: Node, id: number): unknown {
    switch (node[0]) {
      case Kind.object:
        return node[1] === undefined ? {} : Object.create(this.#prototype(node[1]))
      case Kind.array: {
        // The length of a list in the message bounds it, or it is sparse and costs nothing.
        const array: unknown[] = []
        array.length = this.#arrayLength(node)
        return this.#withPrototype(array, node[1])
      }
      case Kind.map:
        return this.#withPrototype(new Map(), node[1])
      case Kind.set:
        return this.#withPrototype(new Set(), node[1])
      case Kind.date:
        return this.#withPrototype(new Date(number(node[3])), node[1])
      case Kind.error:
        return this.#withPrototype(bareError(text(node[3])), node[1])
      case Kind.known:
        return this.resolver.known.valueOf(integer(node[1]))
      case Kind.boxed:
        return Object(this.value(node[1]))
      case Kind.buffer:
        return ownBuffer(bytes(node[1]))
      case Kind.view:
        return this.#view(node)
      case Kind.symbol:
        return makeSymbol(node)
      case Kind.intrinsic:
        return this.#intrinsic(text(node[1]))
      case Kind.env:
        return this.#trusted(process.env, "process.env")
      default:
        return makePlatformObject(node) ?? this.#codeKind(node, id)
    }
  }

  /** A sparse array costs nothing here, and much to whoever walks it. */
  #arrayLength(node: Node): number {
    const length = integer(node[3])
    if (!this.resolver.trusted && node[4] === undefined && length > maxSparseLength) {
      throw new RangeError(`A sparse array of ${length} elements is not taken from a worker`)
    }
    return length
  }

  #codeKind(node: Node, id: number): unknown {
    if (this.resolver.make === undefined)
      throw new TypeError(`A node of kind ${String(node[0])} is not taken here`)
    return this.resolver.make(node, id, this)
  }

  #intrinsic(name: string): unknown {
    const value = intrinsicByName(name)
    if (value === undefined) throw new RangeError(`There is no ${name} in this version of Node`)
    return this.#trusted(value, name)
  }

  #trusted<T>(value: T, what: string): T {
    if (!this.resolver.trusted) throw new TypeError(`${what} is not taken from a worker`)
    return value
  }

  /** Where the platform's prototypes may stand whoever says so: whoever got one as a value might change it. */
  #prototype(slot: unknown): object | null {
    const node = Array.isArray(slot) ? this.graph.nodes[integer(slot[0])] : undefined
    const isPlatforms = node?.[0] === Kind.intrinsic && /\.prototype$/.test(text(node[1]))
    const prototype = isPlatforms ? intrinsicByName(text(node[1])) : this.value(slot)
    if (typeof prototype !== "object" && typeof prototype !== "function")
      throw new TypeError("A prototype is no object")
    return prototype
  }

  #withPrototype<T extends object>(value: T, slot: unknown): T {
    return slot === undefined ? value : Object.setPrototypeOf(value, this.#prototype(slot))
  }

  #view(node: Node): unknown {
    const buffer = this.value(node[2])
    if (!types.isAnyArrayBuffer(buffer)) throw new TypeError("A view is not over a buffer")
    return makeView(integer(node[1]), buffer, integer(node[3]), integer(node[4]))
  }

  #fill(id: number): void {
    const node = this.graph.nodes[id] as Node
    const made = this.#made[id]
    switch (node[0]) {
      case Kind.object:
        this.define(made as object, node[3])
        break
      case Kind.array:
        this.#fillArray(made as unknown[], node)
        break
      case Kind.map: {
        const slots = list(node[3])
        for (let at = 0; at < slots.length; at += 2) {
          Map.prototype.set.call(made, this.value(slots[at]), this.value(slots[at + 1]))
        }
        this.define(made as object, node[4])
        break
      }
      case Kind.set:
        for (const slot of list(node[3])) Set.prototype.add.call(made, this.value(slot))
        this.define(made as object, node[4])
        break
      case Kind.date:
      case Kind.error:
        this.define(made as object, node[4])
        break
      default:
        this.resolver.fill?.(node, id, made, this)
    }
  }

  #fillArray(made: unknown[], node: Node): void {
    if (node[4] !== undefined) {
      const slots = list(node[4])
      if (slots.length !== made.length) throw new RangeError("An array has another length than its elements")
      for (let index = 0; index < slots.length; index++) made[index] = this.value(slots[index])
    }
    this.define(made, node[5])
  }

  /** Defines properties from their list. */
  define(target: object, properties: unknown): void {
    const entries = list(properties)
    for (let at = 0; at < entries.length; ) {
      const key = this.#key(entries[at++])
      const flags = integer(entries[at++])
      const enumerable = (flags & Flag.enumerable) !== 0
      const configurable = (flags & Flag.configurable) !== 0
      if (flags & Flag.accessor) {
        this.#trusted(undefined, "An accessor")
        const get = this.value(entries[at++]) as () => unknown
        const set = this.value(entries[at++]) as (value: unknown) => void
        Object.defineProperty(target, key, { get, set, enumerable, configurable })
      } else {
        const value = this.value(entries[at++])
        if (key === "then" && typeof value === "function") this.#trusted(undefined, "A function named then")
        const writable = (flags & Flag.writable) !== 0
        Object.defineProperty(target, key, { value, enumerable, configurable, writable })
      }
    }
  }

  #key(slot: unknown): PropertyKey {
    const key = this.value(slot)
    if (typeof key !== "string" && typeof key !== "symbol") throw new TypeError("A property's key is no key")
    return key
  }

  #seal(id: number): void {
    const node = this.graph.nodes[id] as Node
    const sealed =
      node[0] <= Kind.error && node[0] !== Kind.regexp
        ? node[2]
        : node[0] === Kind.function || node[0] === Kind.class
          ? node[3]
          : false
    if (sealed === true) Object.preventExtensions(this.#made[id])
  }
}
