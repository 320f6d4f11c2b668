import MagicString from "magic-string"
import type ts from "typescript"
import type { TypedSource } from "../types.ts"
import { PREFIX } from "./prefix.ts"
import { parse, variablesOf } from "./source.ts"
import { typescript } from "./typescript.ts"

/**
 * The cell that papermill puts behind the one with a notebook's parameters. It knows values and no types: after
 * `let mode: "fast" | "slow" = "fast"` its `let mode = "slow"` would make a string of what later cells take for one of
 * the two. So a parameter keeps the type that the notebook wrote, and a value of another type stops the run.
 */

const mark = /^\/\/ .*, injected: each keeps the type it was declared with$/m

/** The cell with the types of `annotations`, and the way back to what was typed; any other cell as it is. */
export function withKeptTypes(
  code: string,
  annotations: ReadonlyMap<string, string>,
  typed: TypedSource,
): { code: string; typed: TypedSource } {
  if (!code.startsWith("//") || !mark.test(code)) return { code, typed }
  const edited = new MagicString(code)
  const added: { at: number; length: number }[] = []
  for (const { name, type } of variablesOf(parse(code, false))) {
    const annotation = typescript().isIdentifier(name) ? annotations.get(name.text) : undefined
    if (annotation === undefined || type !== undefined) continue
    const text = `: ${annotation}`
    edited.appendLeft(endOf(name), text)
    added.push({ at: endOf(name), length: text.length })
  }
  const toTyped = (offset: number): number => {
    let shift = 0
    for (const { at, length } of added) {
      if (offset - shift <= at) break
      // Within what was added: the end of the name.
      shift += Math.min(length, offset - shift - at)
    }
    return typed.toTyped(offset - shift)
  }
  return { code: edited.toString(), typed: { text: typed.text, toTyped } }
}

function endOf(name: ts.Node): number {
  return name.end - PREFIX.length
}
