import { inspect, types } from "node:util"
import { blobMinBytes } from "./raw.ts"
import { type BinaryView, viewPrototype, viewType } from "./views.ts"

/**
 * Decides whether V8's serialization keeps a value as it is. It would silently drop or flatten accessors, symbol
 * keys, hidden properties, frozenness, prototypes, error properties and more: such values take the graph codec.
 */

/** Deeper than this a value takes the graph codec, which notices cycles by itself. */
const maxDepth = 200

/** Visits before shared parts, which this scan walks each time, could make it slow: then the graph codec is as good. */
const maxVisits = 20_000_000

/** Up to this length an array's own keys are listed. Beyond, listing them costs more than sending the array. */
const maxListedLength = 256

const lookupGetter = (Object.prototype as unknown as { __lookupGetter__(key: PropertyKey): unknown })
  .__lookupGetter__

const objectPrototype = Object.prototype
const arrayPrototype = Array.prototype

export class CleanScan {
  /** Large ArrayBuffers found outside of views: `serializeRaw` wants them. */
  readonly buffers = new Set<ArrayBuffer>()
  readonly #viewed = new Set<ArrayBufferLike>()
  readonly #seen: Set<object> | undefined
  #visits = 0

  /** `apart`: whether no object may stand in two places, whichever of the checked values they are in. */
  constructor(options: { apart: boolean }) {
    this.#seen = options.apart ? new Set() : undefined
  }

  check(value: unknown): boolean {
    return isObject(value) ? this.#clean(value, 0) : isPlain(value)
  }

  #clean(value: object, depth: number): boolean {
    if (depth > maxDepth || ++this.#visits > maxVisits || !this.#isApart(value)) return false
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === objectPrototype) return this.#plainObject(value, depth)
    if (prototype === arrayPrototype && Array.isArray(value)) return this.#array(value, depth)
    return this.#special(value, prototype, depth)
  }

  #isApart(value: object): boolean {
    if (this.#seen === undefined) return true
    const before = this.#seen.size
    return this.#seen.add(value).size > before
  }

  /** A Proxy passes, and makes V8 throw. */
  #plainObject(value: object, depth: number): boolean {
    const keys = Object.getOwnPropertyNames(value)
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as string
      if (key === "__proto__") return false
      const property = Object.getOwnPropertyDescriptor(value, key)
      if (!property?.enumerable || !property.writable || !property.configurable) return false
      const item: unknown = property.value
      if (!(isObject(item) ? this.#clean(item, depth + 1) : isPlain(item))) return false
    }
    return Object.isExtensible(value) && Object.getOwnPropertySymbols(value).length === 0
  }

  #array(value: readonly unknown[], depth: number): boolean {
    if (!Object.isExtensible(value) || !(value.length <= maxListedLength ? isList(value) : isLongList(value)))
      return false
    for (let index = 0; index < value.length; index++) {
      const item = value[index]
      if (!(isObject(item) ? this.#clean(item, depth + 1) : isPlain(item))) return false
    }
    return true
  }

  #special(value: object, prototype: unknown, depth: number): boolean {
    if (ArrayBuffer.isView(value)) return this.#view(value as BinaryView, prototype)
    if (types.isArrayBuffer(value)) return this.#buffer(value as ArrayBuffer, prototype)
    if (Reflect.ownKeys(value).length > 0 || !Object.isExtensible(value)) return false
    if (types.isDate(value)) return prototype === Date.prototype
    if (types.isMap(value) && prototype === Map.prototype) {
      for (const [key, item] of value) {
        if (!this.#within(key, depth) || !this.#within(item, depth)) return false
      }
      return true
    }
    if (types.isSet(value) && prototype === Set.prototype) {
      for (const item of value) if (!this.#within(item, depth)) return false
      return true
    }
    return false
  }

  #within(value: unknown, depth: number): boolean {
    return isObject(value) ? this.#clean(value, depth + 1) : isPlain(value)
  }

  /** Two views over one buffer, or a view and its buffer, share memory: V8 would copy each. */
  #view(view: BinaryView, prototype: unknown): boolean {
    if (prototype !== viewPrototype(viewType(view)) || this.#shared(view.buffer, view)) return false
    return types.isArrayBuffer(view.buffer)
  }

  #buffer(buffer: ArrayBuffer, prototype: unknown): boolean {
    if (prototype !== ArrayBuffer.prototype || this.#shared(buffer, buffer)) return false
    if (Reflect.ownKeys(buffer).length > 0) return false
    if (buffer.byteLength >= blobMinBytes) this.buffers.add(buffer)
    return true
  }

  #shared(buffer: ArrayBufferLike, holder: object): boolean {
    // Small Buffers of Node's pool share memory by accident.
    if (Buffer.isBuffer(holder) && buffer.byteLength === Buffer.poolSize) return false
    if (this.#viewed.has(buffer)) return true
    this.#viewed.add(buffer)
    return false
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}

function isPlain(primitive: unknown): boolean {
  return typeof primitive !== "function" && typeof primitive !== "symbol"
}

/**
 * Whether the array has all its elements and no other properties. A single write-protected element is not looked for:
 * it would take twice the time, and arrives as an element like the others.
 */
function isList(value: readonly unknown[]): boolean {
  const keys = Reflect.ownKeys(value)
  if (keys.length !== value.length + 1 || keys.at(-1) !== "length") return false
  for (let index = 0; index < value.length; index++) {
    if (lookupGetter.call(value, index) !== undefined) return false
  }
  return true
}

/**
 * The same for a long array, whose holes V8 keeps. Node's `inspect` is the one way to list its other properties without
 * listing its elements. An accessor among so many elements is not looked for: it arrives as the value it gives.
 */
function isLongList(value: readonly unknown[]): boolean {
  return inspect(value, onlyNamed) === `[ ... ${value.length} more items, [length]: ${value.length} ]`
}

const onlyNamed = {
  maxArrayLength: 0,
  showHidden: true,
  customInspect: false,
  colors: false,
  numericSeparator: false,
  depth: 0,
  breakLength: Number.POSITIVE_INFINITY,
}
