import { createRequire } from "node:module"
import type * as Acorn from "acorn"

let loaded: typeof Acorn | undefined

/** The parser, loaded when the first function is captured and not when the library is. */
export function acorn(): typeof Acorn {
  loaded ??= createRequire(import.meta.url)("acorn") as typeof Acorn
  return loaded
}
