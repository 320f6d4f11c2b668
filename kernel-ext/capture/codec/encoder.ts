import { types } from "node:util"
import { CaptureError } from "../../errors.ts"
import { intrinsicName, noticeGlobals } from "./intrinsics.ts"
import { Flag, isShareable, Kind, type Node, plainProperty, type Slot } from "./nodes.ts"
import { describePlatformObject, describeSymbol, errorName } from "./platform.ts"
import { isDetached } from "./raw.ts"
import { viewOfShared } from "./shared.ts"
import { type BinaryView, bytesOf, viewPrototype, viewType } from "./views.ts"

/** Turns values into nodes of the graph format. What only one side knows (functions, classes, modules) is asked of `Aspects`. */

export interface Aspects {
  /** Node for something that both sides know, or that travels by name; asked first, for objects, functions and symbols. */
  reference(value: object | symbol, id: number, encoder: GraphEncoder): Node | undefined
  /** @throws CaptureError for a function that cannot be sent. */
  function(fn: CallableFunction, id: number, encoder: GraphEncoder): Node
  /**
   * Looks at an object with a prototype of its own.
   * @returns whether the prototype is to be sent; false only for errors, which may do without.
   * @throws CaptureError for an object that cannot be sent.
   */
  instance(value: object, prototype: object, id: number, encoder: GraphEncoder): boolean
  /** Whether the other side is a thread of this process, which can share memory. */
  readonly sharesMemory: boolean
}

/** Where pooled Buffers stand in a buffer much larger than them, only their own bytes travel. */
const slackFactor = 2

const undescribed: Node = [Kind.env]

export class GraphEncoder {
  readonly nodes: Node[] = []
  /** What each node stands for. */
  readonly values: unknown[] = []
  readonly #aspects: Aspects
  readonly #ids = new Map<unknown, number>()
  readonly #parents: number[] = []
  readonly #keys: string[] = []
  #described = 0
  #separated = 0

  constructor(aspects: Aspects) {
    this.#aspects = aspects
    noticeGlobals()
  }

  /** Encodes one value and all it reaches. `label` begins the path in a CaptureError. */
  root(value: unknown, label: string): Slot {
    const slot = this.slot(value, -1, label)
    this.drain()
    return slot
  }

  /** Describes what has been found and not been described yet: breadth first, so that depth needs no stack. */
  drain(): void {
    while (this.#described < this.values.length) {
      const id = this.#described++
      const value = this.values[id]
      if (this.nodes[id] === undescribed) this.nodes[id] = this.#describe(value as object | symbol, id)
    }
  }

  slot(value: unknown, parent: number, key: string): Slot {
    switch (typeof value) {
      case "object":
        if (value === null) return null
        break
      case "function":
      case "symbol":
        break
      default:
        return value as Slot
    }
    const known = this.#ids.get(value)
    return [known ?? this.add(value, parent, key)]
  }

  /** A node whose description is known: of `value`, or of nothing in this process. */
  addNode(node: Node, parent: number, key: string, value?: unknown): Slot {
    const known = value === undefined ? undefined : this.#ids.get(value)
    if (known !== undefined) return [known]
    const id = this.add(value, parent, key)
    if (value === undefined) this.#ids.delete(value)
    this.nodes[id] = node
    return [id]
  }

  /** Makes data apart from what comes next: an object met again becomes another one. Functions and their like stay one. */
  separate(): void {
    for (; this.#separated < this.values.length; this.#separated++) {
      if (!isShareable(this.nodes[this.#separated])) this.#ids.delete(this.values[this.#separated])
    }
  }

  /** A new node for `value`, described later. */
  add(value: unknown, parent: number, key: string): number {
    const id = this.values.push(value) - 1
    this.nodes.push(undescribed)
    this.#parents.push(parent)
    this.#keys.push(key)
    this.#ids.set(value, id)
    return id
  }

  idOf(value: unknown): number | undefined {
    return this.#ids.get(value)
  }

  /** What the value was found in. */
  parentOf(id: number): number {
    return this.#parents[id] ?? -1
  }

  pathTo(id: number): string[] {
    const path: string[] = []
    for (let at = id; at >= 0; at = this.parentOf(at)) {
      const key = this.#keys[at]
      if (key !== undefined && key !== "") path.unshift(key)
    }
    return path
  }

  refuse(id: number, reason: string, options: { cause?: unknown } = {}): never {
    const path = this.pathTo(id)
    const steps = path.map((step) => `\`${step}\``).join(" → ")
    throw new CaptureError(`${steps}: ${reason}`, { path, ...options })
  }

  #describe(value: object | symbol, id: number): Node {
    const reference = this.#aspects.reference(value, id, this)
    if (reference !== undefined) return reference
    if (typeof value === "symbol") return describeSymbol(value)
    const intrinsic = intrinsicName(value)
    if (intrinsic !== undefined) return [Kind.intrinsic, intrinsic]
    if (types.isProxy(value)) return this.refuse(id, "a Proxy cannot be sent")
    if (typeof value === "function") return this.#aspects.function(value as CallableFunction, id, this)
    if (value === process.env) return [Kind.env]
    return this.#object(value, id)
  }

  #object(value: object, id: number): Node {
    const prototype: object | null = Object.getPrototypeOf(value)
    if (ArrayBuffer.isView(value)) return this.#view(value as BinaryView, prototype, id)
    if (types.isAnyArrayBuffer(value)) return this.#buffer(value, id)
    if (types.isRegExp(value)) return this.#regexp(value, prototype, id)
    const platform = describePlatformObject(value, prototype)
    if (platform !== undefined) return platform
    if (types.isBoxedPrimitive(value)) return [Kind.boxed, this.slot(value.valueOf(), id, "")]
    this.#refuseState(value, id)
    // Its own accessors are native code, and nobody means them.
    if (types.isArgumentsObject(value)) return this.#array(Array.from(value), Array.prototype, id)
    if (Array.isArray(value)) return this.#array(value, prototype, id)
    if (types.isMap(value)) return this.#map(value, prototype, id)
    if (types.isSet(value)) return this.#set(value, prototype, id)
    if (types.isDate(value))
      return this.#extended(Kind.date, value, prototype, Date.prototype, id, [value.getTime()])
    if (types.isNativeError(value)) return this.#error(value, prototype, id)
    return this.#extended(Kind.object, value, prototype, Object.prototype, id, [])
  }

  /** Objects whose state no property shows. */
  #refuseState(value: object, id: number): void {
    if (types.isPromise(value)) this.refuse(id, "a Promise cannot be sent; await it first")
    if (types.isGeneratorObject(value)) {
      this.refuse(
        id,
        "a generator in flight cannot be sent; send what it yields, or the function that makes it",
      )
    }
    if (types.isWeakMap(value)) this.refuse(id, "a WeakMap cannot be sent; make it inside the function")
    if (types.isWeakSet(value)) this.refuse(id, "a WeakSet cannot be sent; make it inside the function")
    if (value instanceof WeakRef) this.refuse(id, "a WeakRef cannot be sent; send what it refers to")
    if (types.isMapIterator(value) || types.isSetIterator(value)) {
      this.refuse(
        id,
        "an iterator in flight cannot be sent; send the collection, or an array of its elements",
      )
    }
    if (types.isExternal(value)) this.refuse(id, "a native handle cannot be sent")
    const tag = Object.prototype.toString.call(value)
    if (/ (Iterator|Generator)\]$/.test(tag) && !Object.hasOwn(value, "constructor")) {
      this.refuse(id, "an iterator in flight cannot be sent; send an array of its elements")
    }
  }

  /** Node of a kind whose objects may have other prototypes, own properties and be frozen. */
  #extended(
    kind: Kind,
    value: object,
    prototype: object | null,
    usual: object,
    id: number,
    fields: readonly unknown[],
    properties: readonly unknown[] = this.properties(value, id),
  ): Node {
    const isUsual =
      prototype === usual || (prototype !== null && !this.#aspects.instance(value, prototype, id, this))
    const slot = isUsual ? undefined : this.slot(prototype, id, "")
    return [kind, slot, !Object.isExtensible(value), ...fields, properties]
  }

  /** Own properties in their order, but for `skip`. */
  properties(value: object, id: number, skip?: (key: PropertyKey) => boolean): unknown[] {
    const list: unknown[] = []
    for (const key of Reflect.ownKeys(value)) {
      if (skip?.(key)) continue
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (property === undefined) continue
      const label = typeof key === "symbol" ? `[${String(key)}]` : key
      list.push(typeof key === "symbol" ? this.slot(key, id, label) : key)
      const flags =
        (property.enumerable ? Flag.enumerable : 0) |
        (property.configurable ? Flag.configurable : 0) |
        (property.writable ? Flag.writable : 0)
      if ("value" in property) list.push(flags, this.slot(property.value, id, label))
      else {
        list.push(flags | Flag.accessor)
        list.push(this.slot(property.get, id, `get ${label}`), this.slot(property.set, id, `set ${label}`))
      }
    }
    return list
  }

  #array(value: readonly unknown[], prototype: object | null, id: number): Node {
    const keys = Reflect.ownKeys(value)
    const dense =
      keys.length === value.length + 1 &&
      keys.every((key, index) => {
        const property = index < value.length ? Object.getOwnPropertyDescriptor(value, key) : undefined
        return property === undefined || (property.writable && property.enumerable && property.configurable)
      })
    const elements = dense ? value.map((element, index) => this.slot(element, id, String(index))) : undefined
    const properties = dense ? [] : this.properties(value, id, (key) => key === "length")
    return this.#extended(
      Kind.array,
      value,
      prototype,
      Array.prototype,
      id,
      [value.length, elements],
      properties,
    )
  }

  #map(value: Map<unknown, unknown>, prototype: object | null, id: number): Node {
    const slots: Slot[] = []
    for (const [key, item] of Map.prototype.entries.call(value)) {
      const label = typeof key === "object" || typeof key === "function" ? "{…}" : JSON.stringify(String(key))
      slots.push(this.slot(key, id, `key ${label}`), this.slot(item, id, `get(${label})`))
    }
    return this.#extended(Kind.map, value, prototype, Map.prototype, id, [slots])
  }

  #set(value: Set<unknown>, prototype: object | null, id: number): Node {
    const slots: Slot[] = []
    for (const item of Set.prototype.values.call(value))
      slots.push(this.slot(item, id, `item ${slots.length}`))
    return this.#extended(Kind.set, value, prototype, Set.prototype, id, [slots])
  }

  #error(value: Error, prototype: object | null, id: number): Node {
    const name = errorName(prototype)
    // The stack is an accessor in some versions of V8, and text for the reader in all.
    const stack = Object.hasOwn(value, "stack")
      ? ["stack", plainProperty & ~Flag.enumerable, String(value.stack)]
      : []
    const properties = [...this.properties(value, id, (key) => key === "stack"), ...stack]
    const usual = Reflect.get(globalThis, name).prototype
    return this.#extended(Kind.error, value, prototype, usual, id, [name], properties)
  }

  #regexp(value: RegExp, prototype: object | null, id: number): Node {
    // "lastIndex" is the one property that each has.
    if (prototype !== RegExp.prototype || Reflect.ownKeys(value).length > 1) {
      this.refuse(
        id,
        "a regular expression of a subclass or with properties of its own cannot be sent; send a plain one",
      )
    }
    return [Kind.regexp, value.source, value.flags, value.lastIndex]
  }

  #buffer(buffer: ArrayBufferLike, id: number): Node {
    if (types.isSharedArrayBuffer(buffer)) {
      if (this.#aspects.sharesMemory) return [Kind.buffer, viewOfShared(buffer)]
      return this.refuse(
        id,
        'a SharedArrayBuffer cannot be sent: no other process shares its memory; use isolation: "thread", or send a copy',
      )
    }
    if (isDetached(buffer)) {
      return this.refuse(
        id,
        "its memory was moved away, with an earlier result perhaps; send a copy each time: value.slice()",
      )
    }
    return [Kind.buffer, new Uint8Array(buffer)]
  }

  #view(view: BinaryView, prototype: object | null, id: number): Node {
    const type = viewType(view)
    if (prototype !== viewPrototype(type)) {
      return this.refuse(
        id,
        "an instance of a subclass of a typed array cannot be sent; send a plain typed array",
      )
    }
    if (Buffer.isBuffer(view) && view.buffer.byteLength > view.byteLength * slackFactor) {
      const own = bytesOf(view).slice().buffer
      return [Kind.view, type, this.slot(own, id, "buffer"), 0, view.byteLength]
    }
    return [Kind.view, type, this.slot(view.buffer, id, "buffer"), view.byteOffset, view.byteLength]
  }
}
