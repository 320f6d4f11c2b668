import { sizeText } from "./size.ts"

/** An element of any DOM (linkedom, jsdom, …), as a MIME bundle's data. */
export function elementData(value: object): Record<string, unknown> | undefined {
  const { outerHTML, nodeType, localName } = value as Record<string, unknown>
  if (typeof outerHTML !== "string" || nodeType !== 1) return undefined
  const name = typeof localName === "string" ? localName : "element"
  const text = `<${name}> element, ${sizeText(Buffer.byteLength(outerHTML))}`
  if (name === "svg") return { "image/svg+xml": withNamespace(outerHTML), "text/plain": text }
  return { "text/html": outerHTML, "text/plain": text }
}

/** A document of its own, as front ends show SVG, needs to say that it is SVG; an element in a page need not. */
function withNamespace(svg: string): string {
  const [tag = ""] = /^<svg[^>]*>/.exec(svg) ?? []
  return /\sxmlns=/.test(tag) ? svg : svg.replace(/^<svg/, '<svg xmlns="http://www.w3.org/2000/svg"')
}
