/**
 * The graph format: a list of nodes, one per object, function or symbol. A node is a list: its kind, then what this kind
 * has. A slot is a primitive as it is, or a reference `[n]` to node n.
 *
 *     object     prototype, sealed?, properties
 *     array      prototype, sealed?, length, elements or undefined, properties
 *     map        prototype, sealed?, slots (key, value, …), properties
 *     set        prototype, sealed?, slots, properties
 *     date       prototype, sealed?, milliseconds, properties
 *     regexp     source, flags, lastIndex
 *     error      prototype, sealed?, constructor's name, properties
 *     boxed      primitive or slot of a symbol
 *     buffer     bytes
 *     view       type, slot of the buffer, byte offset, byte length
 *     symbol     "known" | "registered" | "unique", name
 *     intrinsic  name in the table of intrinsics
 *     env
 *     url        href
 *     params     text
 *     headers    [name, value][]
 *     blob       bytes, MIME type, name or undefined, last modified
 *     exception  message, name (a DOMException)
 *     known      number: something that both sides have had since the function was loaded
 *     import     specifier, export's name or "*"
 *     member     slot, key
 *     prototype  slot of the function, properties
 *     function   context, template, sealed?, properties, prototype, `this`, `arguments`, prototype of the home object
 *     class      context, template, sealed?, properties, base, keys, private statics, names of private members
 *     bound      target, `this`, arguments, properties
 *     perWorker  id, slot of the function that builds it
 *     broadcast  hash; where it did not come with the function: bytes, blobs
 *     own        kind of an object of the library's own, its data as JSON
 *     context    factory, slot of the context around it, values of its variables
 *
 * `prototype` is undefined for the one that the kind has anyway. Properties are a flat list: key, flags, then value, or
 * getter and setter.
 */
export const Kind = {
  object: 0,
  array: 1,
  map: 2,
  set: 3,
  date: 4,
  regexp: 5,
  error: 6,
  boxed: 7,
  buffer: 8,
  view: 9,
  symbol: 10,
  intrinsic: 11,
  env: 12,
  url: 13,
  params: 14,
  headers: 15,
  blob: 16,
  exception: 17,
  known: 18,
  import: 19,
  member: 20,
  prototype: 21,
  function: 22,
  class: 23,
  bound: 24,
  perWorker: 25,
  context: 26,
  broadcast: 27,
  own: 28,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

export type Ref = readonly [number]
export type Slot = string | number | bigint | boolean | null | undefined | Ref
export type Node = readonly [Kind, ...unknown[]]

/** Bits of a property's flags. */
export const Flag = { enumerable: 1, configurable: 2, writable: 4, accessor: 8 } as const

export const plainProperty = Flag.enumerable | Flag.configurable | Flag.writable

/** Files of the notebook's own: a CommonJS module that exports a loader for each specifier. */
export interface ShippedModules {
  readonly hash: string
  readonly text: string
}

export interface Graph {
  readonly nodes: readonly Node[]
  readonly roots: readonly Slot[]
  /** Nodes that both sides know from now on, and their numbers. Where a number is known already, so is the object. */
  readonly shared: readonly (readonly [id: number, number: number])[]
  /** Properties of globalThis that are set before anything runs. */
  readonly globals?: readonly (readonly [name: string, value: Slot])[]
  /** Nodes of what perWorker builds, in the order to build them. */
  readonly late?: readonly number[]
  /** Needed before any node is made. */
  readonly modules?: ShippedModules | undefined
  /** JavaScript that makes the functions among the nodes, and the name it goes by; absent where there are none. */
  readonly code?: { readonly hash: string; readonly text: string } | undefined
}

/** Kinds whose values are one thing wherever they go, as long as the function they belong to is loaded. */
export function isShareable(node: Node | undefined): boolean {
  if (node === undefined) return false
  return (
    (node[0] >= Kind.import && node[0] <= Kind.perWorker) || (node[0] === Kind.symbol && node[1] === "unique")
  )
}
