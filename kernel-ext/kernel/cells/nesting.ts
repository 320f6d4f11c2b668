import type ts from "typescript"
import { PREFIX } from "./prefix.ts"
import { typescript } from "./typescript.ts"

/**
 * Code that is nested more deeply than the stack holds: everything that reads code, TypeScript, acorn and V8 alike, calls itself
 * for what stands within.
 */

/** None of them comes as far; some would think for minutes first, since TypeScript checks a long sum in time that grows with its square. */
const MOST_LEVELS = 5000

/** Throws where no compiler can go. */
export function refuseTooDeep(file: ts.SourceFile): void {
  // Each level takes a character at least.
  if (file.text.length < MOST_LEVELS) return
  const tsc = typescript()
  let level: ts.Node[] = [file]
  for (let depth = 0; level.length > 0; depth++) {
    const [first] = level
    if (depth > MOST_LEVELS && first !== undefined) {
      const line = file.text.slice(PREFIX.length, first.end).split("\n").length
      throw new SyntaxError(tooDeep(`in line ${line}, by more than ${MOST_LEVELS} levels`))
    }
    const next: ts.Node[] = []
    for (const node of level) tsc.forEachChild(node, (child) => void next.push(child))
    level = next
  }
}

/** What to show for an error that came of reading a cell. */
export function explainingDepth(error: unknown): unknown {
  return isOutOfStack(error) ? new SyntaxError(tooDeep("by more than about a thousand levels")) : error
}

/** Whether the stack did not suffice; acorn has words of its own for it. */
export function isOutOfStack(error: unknown): boolean {
  return (
    (error instanceof RangeError && error.message === "Maximum call stack size exceeded") ||
    (error instanceof SyntaxError && error.message.startsWith("Not enough stack space"))
  )
}

function tooDeep(where: string): string {
  return `This cell cannot be compiled: brackets, operators or chained calls stand too deep within one another, ${where}. Build such a value in a loop, or read it from a file`
}
