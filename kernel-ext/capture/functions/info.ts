import type { CellScript } from "../types.ts"
import { type Inspected, inspectFunction, type Scope } from "./inspect.ts"
import { type Origin, originOf } from "./origins.ts"

/** What stays true of a function however often it is captured. */
export interface FunctionInfo {
  readonly source: string
  /** Undefined for native and bound functions. */
  readonly origin: Origin | undefined
  readonly place: string
  readonly bound: Inspected["bound"]
  /** Variables around the function, as of now. */
  scopes(): readonly Scope[]
}

let captures = 0

/** Says that values seen before are no longer those of now. */
export function beginCapture(): void {
  captures++
}

const memo = new WeakMap<CallableFunction, FunctionInfo>()

const nativeText = /\{\s*\[native code\]\s*\}\s*$/

export function functionInfo(fn: CallableFunction, cells: readonly CellScript[]): FunctionInfo {
  const known = memo.get(fn)
  if (known !== undefined) return known
  const info = look(fn, cells)
  memo.set(fn, info)
  return info
}

function look(fn: CallableFunction, cells: readonly CellScript[]): FunctionInfo {
  const source = Function.prototype.toString.call(fn)
  const { place, scopes, bound } = inspectFunction(fn)
  const native = place === undefined || nativeText.test(source)
  // The first look's values serve the capture that asked for them. Which scopes there are never changes.
  let first: readonly Scope[] | undefined = scopes
  const lookedAt = captures
  const isConstant = scopes.every(({ kind }) => kind === "script") && cells.length > 0
  return {
    source,
    origin: native ? undefined : originOf(source, place, cells),
    place: place === undefined ? "" : `${place.scriptId}:${place.line}:${place.column}`,
    bound,
    scopes() {
      if (isConstant) return []
      const now = (lookedAt === captures ? first : undefined) ?? inspectFunction(fn).scopes
      first = undefined
      return now
    },
  }
}
