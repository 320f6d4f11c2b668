import type { GraphWriter } from "../codec/codec.ts"
import { type Aspects, GraphEncoder } from "../codec/encoder.ts"
import { intrinsicName, isCopyable } from "../codec/intrinsics.ts"
import type { Known } from "../codec/known.ts"
import { Kind, type Node } from "../codec/nodes.ts"
import { ownerOf, returnRefusal } from "./returnable.ts"

/** Describes results: of functions and classes, only those that the host sent, by number. */
export function resultWriter(known: Known, sharesMemory = false): GraphWriter {
  return (values, labelOf) => {
    const encoder = new GraphEncoder(new ResultAspects(known, sharesMemory))
    const roots = values.map((value, index) => {
      const slot = encoder.root(value, labelOf(index))
      encoder.separate()
      return slot
    })
    return { nodes: encoder.nodes, roots, shared: [] }
  }
}

class ResultAspects implements Aspects {
  readonly sharesMemory: boolean
  readonly #known: Known
  #exports: Map<unknown, readonly [number, string]> | undefined

  constructor(known: Known, sharesMemory: boolean) {
    this.#known = known
    this.sharesMemory = sharesMemory
  }

  reference(value: object | symbol, id: number, encoder: GraphEncoder): Node | undefined {
    const number = this.#known.numberOf(value)
    if (number !== undefined) return [Kind.known, number]
    if (typeof value === "symbol" || intrinsicName(value) !== undefined) return undefined
    const owner = typeof value === "object" ? ownerOf(value) : undefined
    if (owner !== undefined && this.#isKnown(owner)) return [Kind.prototype, encoder.slot(owner, id, ""), []]
    const member = typeof value === "function" ? this.#members().get(value) : undefined
    if (member === undefined) return undefined
    const [holder, key] = member
    return [Kind.member, encoder.addNode([Kind.known, holder], id, ""), key]
  }

  function(fn: CallableFunction, id: number, encoder: GraphEncoder): Node {
    const name = fn.name === "" ? "a function" : `the function ${fn.name}`
    return encoder.refuse(
      id,
      `${name} was made in the worker and cannot be returned; return what it computes`,
    )
  }

  instance(value: object, prototype: object, id: number, encoder: GraphEncoder): boolean {
    const owner = ownerOf(prototype)
    const isKnown =
      this.#known.numberOf(prototype) !== undefined ||
      isCopyable(intrinsicName(prototype) ?? "") ||
      (owner !== undefined && this.#isKnown(owner))
    const refusal = returnRefusal(prototype)
    // An error keeps its message, its stack and its properties; only its class is lost.
    if (value instanceof Error) return isKnown && refusal === undefined
    if (refusal !== undefined) encoder.refuse(id, refusal)
    if (isKnown) return true
    const name = owner?.name ? `an instance of ${owner.name}` : "an object with a prototype of its own"
    return encoder.refuse(
      id,
      `${name} cannot be returned: the notebook does not have its class; return a plain object with what you need of it`,
    )
  }

  #isKnown(owner: CallableFunction): boolean {
    return this.#known.numberOf(owner) !== undefined || this.#members().has(owner)
  }

  /** Exports of the modules that the host knows. */
  #members(): Map<unknown, readonly [number, string]> {
    if (this.#exports !== undefined) return this.#exports
    const found = new Map<unknown, readonly [number, string]>()
    for (const [number, module] of this.#known.values()) {
      const isModule = (typeof module === "object" && module !== null) || typeof module === "function"
      if (!isModule) continue
      for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(module))) {
        if (typeof property.value === "function") found.set(property.value, [number, key])
      }
    }
    this.#exports = found
    return found
  }
}
