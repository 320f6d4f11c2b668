import { arrive, travelling } from "../../util/own.ts"
import { readBlob } from "./blobs.ts"
import { bytes, integer, list, number, text } from "./checked.ts"
import { intrinsicName } from "./intrinsics.ts"
import { Kind, type Node } from "./nodes.ts"

/** Objects of the platform and symbols, both ways: a few strings or bytes tell all of them. */

/** Errors whose constructor the other side has; of others, it is the nearest of these. */
const errorNames = [
  "AggregateError",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "ReferenceError",
  "EvalError",
  "URIError",
  "Error",
]

const errorConstructors: ReadonlyMap<string, new () => Error> = new Map(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((one) => [
    one.name,
    one,
  ]),
)

/** Name of the nearest error class that every process has. */
export function errorName(prototype: object | null): string {
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const found = errorNames.find((one) => Reflect.get(globalThis, one).prototype === at)
    if (found !== undefined) return found
  }
  return "Error"
}

/** Asked by name: to touch a class that nobody used would load it. */
export function describePlatformObject(value: object, prototype: object | null): Node | undefined {
  const own = travelling(value)
  if (own !== undefined) return [Kind.own, own.kind, JSON.stringify(own.data)]
  switch (intrinsicName(prototype)) {
    case "URL.prototype":
      return [Kind.url, (value as URL).href]
    case "URLSearchParams.prototype":
      return [Kind.params, String(value)]
    case "Headers.prototype":
      return [Kind.headers, [...(value as Headers)]]
    case "Blob.prototype":
      return [Kind.blob, readBlob(value as Blob), (value as Blob).type]
    case "File.prototype": {
      const { type, name, lastModified } = value as File
      return [Kind.blob, readBlob(value as File), type, name, lastModified]
    }
    case "DOMException.prototype":
      return [Kind.exception, (value as DOMException).message, (value as DOMException).name]
    default:
      return undefined
  }
}

const wellKnownSymbols = new Map<symbol, string>(
  Object.getOwnPropertyNames(Symbol).flatMap((name): [symbol, string][] => {
    const value: unknown = Reflect.get(Symbol, name)
    return typeof value === "symbol" ? [[value, name]] : []
  }),
)

export function describeSymbol(value: symbol): Node {
  const wellKnown = wellKnownSymbols.get(value)
  if (wellKnown !== undefined) return [Kind.symbol, "known", wellKnown]
  const registered = Symbol.keyFor(value)
  if (registered !== undefined) return [Kind.symbol, "registered", registered]
  return [Kind.symbol, "unique", value.description]
}

export function bareError(name: string): Error {
  const error =
    name === "AggregateError" ? new AggregateError([]) : new (errorConstructors.get(name) ?? Error)()
  for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key)
  return error
}

export function makeSymbol(node: Node): symbol {
  const name = node[2]
  if (node[1] === "known") {
    const symbol: unknown = Reflect.get(Symbol, text(name))
    if (typeof symbol !== "symbol")
      throw new RangeError(`There is no Symbol.${String(name)} in this version of Node`)
    return symbol
  }
  if (node[1] === "registered") return Symbol.for(text(name))
  return Symbol(name === undefined ? undefined : text(name))
}

/** Objects of the platform, or of the library's own, that a few strings or bytes make again. */
export function makePlatformObject(node: Node): object | undefined {
  switch (node[0]) {
    case Kind.regexp: {
      const regexp = new RegExp(text(node[1]), text(node[2]))
      regexp.lastIndex = integer(node[3])
      return regexp
    }
    case Kind.url:
      return new URL(text(node[1]))
    case Kind.params:
      return new URLSearchParams(text(node[1]))
    case Kind.headers:
      return new Headers(
        list(node[1]).map((pair): [string, string] => [text(list(pair)[0]), text(list(pair)[1])]),
      )
    case Kind.exception:
      return new DOMException(text(node[1]), text(node[2]))
    case Kind.own:
      return arrive(text(node[1]), JSON.parse(text(node[2])))
    case Kind.blob: {
      const parts = [new Uint8Array(bytes(node[1]))]
      const type = text(node[2])
      return node[3] === undefined
        ? new Blob(parts, { type })
        : new File(parts, text(node[3]), { type, lastModified: number(node[4]) })
    }
    default:
      return undefined
  }
}
