import { allMagics } from "../../../kernel-ext/kernel/magics/all.ts"
import { isKnownElsewhere } from "../../../kernel-ext/kernel/magics/hints.ts"
import type { Notebook } from "../../../kernel-ext/kernel/magics/magic.ts"

/** A notebook whose earlier cells declared `variables`. */
export function notebookWith(...variables: string[]): Notebook {
  return {
    magics: allMagics,
    isMagic: (name) => allMagics.has(name) || isKnownElsewhere(name),
    isExecutor: (name) => name.endsWith("Executor") && allMagics.has(name),
    isBound: (name) => variables.includes(name) || name in globalThis,
    isOperand: (name) => variables.includes(name),
    variables: () => variables,
    valueOf: () => undefined,
  }
}
