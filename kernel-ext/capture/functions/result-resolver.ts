import { text } from "../codec/checked.ts"
import type { GraphDecoder, Resolver } from "../codec/decoder.ts"
import type { Known } from "../codec/known.ts"
import { Kind, type Node } from "../codec/nodes.ts"

/** Resolves what results refer to: things this process sent, and exports of modules it sent. Runs nothing. */
export class ResultResolver implements Resolver {
  readonly known: Known
  readonly trusted: boolean

  constructor(known: Known, trusted: boolean) {
    this.known = known
    this.trusted = trusted
  }

  make(node: Node, _id: number, decoder: GraphDecoder): unknown {
    const holder = node[0] === Kind.member || node[0] === Kind.prototype ? decoder.value(node[1]) : undefined
    const isHolder = (typeof holder === "object" && holder !== null) || typeof holder === "function"
    if (!isHolder) throw new TypeError(`A result cannot have a node of kind ${String(node[0])}`)
    const key = node[0] === Kind.prototype ? "prototype" : text(node[2])
    const property = Object.getOwnPropertyDescriptor(holder, key)
    if (property === undefined || !("value" in property)) {
      throw new TypeError(`A result refers to ${key}, which is not there`)
    }
    return property.value
  }
}
