import type MagicString from "magic-string"
import { KEPT } from "../thread/kept.ts"
import { bindingName } from "./globals.ts"
import type { Analysis, Loop, Reference } from "./scope.ts"

/**
 * A loop at the top of a cell works on the notebook's variables, and V8 keeps each number stored in one in a new box
 * on the heap. So variables that a loop changes are parameters of a function around it while it runs, and are stored
 * when it ends, however it ends. Nobody can tell, because it is not done where a function of any cell refers to the
 * variable, or where the loop waits and others run in between. An interrupt passes over `finally`: what is to be evaluated
 * in its place stands in a parameter of its own.
 */
export function localiseLoops(
  analysis: Analysis,
  shared: ReadonlySet<string>,
  closedOver: ReadonlySet<string>,
  body: MagicString,
): void {
  let doneTo = -1
  for (const loop of analysis.loops) {
    if (loop.start < doneTo || loop.leaves) continue
    if (analysis.awaits.some((at) => isWithin(at, loop))) continue
    const changed = changedIn(loop, analysis.references).filter(
      (name) => shared.has(name) && !closedOver.has(name),
    )
    if (changed.length === 0) continue
    wrap(loop, changed.map(bindingName), body)
    doneTo = loop.end
  }
}

function changedIn(loop: Loop, references: readonly Reference[]): string[] {
  const changed = references.filter(({ start, written }) => written && isWithin(start, loop))
  return [...new Set(changed.map(({ name }) => name))]
}

function isWithin(position: number, loop: Loop): boolean {
  return position >= loop.start && position < loop.end
}

function wrap(loop: Loop, names: readonly string[], body: MagicString): void {
  const list = names.join(", ")
  const values = names.map((_, index) => `__${index}`)
  const store = names.map((name, index) => `${name} = __${index};`).join(" ")
  body.appendRight(loop.start, `((__store) => ((${list}, ${KEPT}) => { try { `)
  body.appendLeft(
    loop.end,
    ` } finally { __store(${list}); } })(${list}, "__store(${list})"))((${values.join(", ")}) => { ${store} });`,
  )
}
