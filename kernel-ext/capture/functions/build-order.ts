import { Kind, type Node, type Ref } from "../codec/nodes.ts"

/**
 * The order in which workers build what perWorker stands for: what a builder uses comes before it. Contexts are no
 * guide, as they hold the variables of all functions; `usesOf` says which references a function itself makes.
 */
export function buildOrder(nodes: readonly Node[], usesOf: (id: number) => Iterable<Ref>): number[] {
  const order: number[] = []
  const seen = new Set<number>()
  const visit = (id: number): void => {
    if (seen.has(id)) return
    seen.add(id)
    const node = nodes[id]
    if (node === undefined || node[0] === Kind.context) return
    for (const [inner] of referencesIn(node)) visit(inner)
    for (const [inner] of usesOf(id)) visit(inner)
    if (node[0] === Kind.perWorker) order.push(id)
  }
  for (let id = 0; id < nodes.length; id++) if (nodes[id]?.[0] === Kind.perWorker) visit(id)
  return order
}

function* referencesIn(part: unknown): Generator<Ref> {
  if (!Array.isArray(part)) return
  for (const item of part) {
    if (!Array.isArray(item)) continue
    if (item.length === 1 && typeof item[0] === "number") yield item as unknown as Ref
    else yield* referencesIn(item)
  }
}
