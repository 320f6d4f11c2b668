import { isBuiltin } from "node:module"
import type { CellScript } from "../types.ts"
import { type FunctionPlace, scriptSource, scriptUrl } from "./inspect.ts"

/** Where a function was written. */
export type Origin =
  | { readonly kind: "cell"; readonly script: CellScript; readonly offset: number }
  | { readonly kind: "file"; readonly url: string; readonly scriptId: string; readonly place: FunctionPlace }
  | { readonly kind: "package"; readonly url: string; readonly name: string }
  | { readonly kind: "node"; readonly module: string }

/** Cells by V8's script id; undefined for scripts that are no cells. */
const cellsById = new Map<string, CellScript | undefined>()

export function originOf(source: string, place: FunctionPlace, cells: readonly CellScript[]): Origin {
  const cell = cellsById.has(place.scriptId) ? cellsById.get(place.scriptId) : findCell(source, place, cells)
  if (cell !== undefined) {
    const offset = offsetIn(cell.code, source, place)
    if (offset !== undefined) {
      cellsById.set(place.scriptId, cell)
      return { kind: "cell", script: cell, offset }
    }
  }
  const url = scriptUrl(place.scriptId)
  if (url.startsWith("node:")) return { kind: "node", module: url.slice("node:".length) }
  const name = packageOf(url)
  if (name !== undefined) return { kind: "package", url, name }
  return { kind: "file", url, scriptId: place.scriptId, place }
}

/** The newest cell that has this text at this place: asking V8 for its scripts' names would cost milliseconds a cell. */
function findCell(
  source: string,
  place: FunctionPlace,
  cells: readonly CellScript[],
): CellScript | undefined {
  for (let at = cells.length - 1; at >= 0; at--) {
    const cell = cells[at]
    if (cell !== undefined && offsetIn(cell.code, source, place) !== undefined) return cell
  }
  return undefined
}

/** Offset of the function's text in its script: it begins at or somewhat before the place that V8 names. */
export function offsetIn(code: string, source: string, place: FunctionPlace): number | undefined {
  const starts = lineStarts(code)
  const lineStart = starts[place.line]
  if (lineStart === undefined) return undefined
  const named = lineStart + place.column
  const offset = code.lastIndexOf(source, named)
  return offset >= 0 && offset + source.length > named ? offset : undefined
}

export function offsetOf(origin: Origin, source: string): { code: string; offset: number } | undefined {
  if (origin.kind === "cell") return { code: origin.script.code, offset: origin.offset }
  if (origin.kind !== "file") return undefined
  const code = scriptSource(origin.scriptId)
  const offset = offsetIn(code, source, origin.place)
  return offset === undefined ? undefined : { code, offset }
}

const starts = new Map<string, readonly number[]>()

/** Offsets at which the lines of `code` begin. */
export function lineStarts(code: string): readonly number[] {
  const known = starts.get(code)
  if (known !== undefined) return known
  const found = [0]
  for (let at = code.indexOf("\n"); at >= 0; at = code.indexOf("\n", at + 1)) found.push(at + 1)
  if (starts.size > 500) starts.clear()
  starts.set(code, found)
  return found
}

/** 0-based line and column of an offset. */
export function positionIn(code: string, offset: number): { line: number; column: number } {
  const lines = lineStarts(code)
  let low = 0
  let high = lines.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((lines[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  return { line: low, column: offset - (lines[low] ?? 0) }
}

function packageOf(url: string): string | undefined {
  const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? []
  return name !== undefined && !isBuiltin(name) ? name : undefined
}
