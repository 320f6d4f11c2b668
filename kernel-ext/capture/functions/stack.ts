import { findSourceMap } from "node:module"
import { fileURLToPath } from "node:url"
import { originalPositionFor, type TraceMap } from "@jridgewell/trace-mapping"
import type { CellBindings, Located } from "../types.ts"
import type { Emitted, Piece } from "./emit.ts"
import type { LocalModules } from "./local-modules.ts"
import { lineStarts, offsetOf, positionIn } from "./origins.ts"

/** Turns positions of shipped code in a worker's stack into the cell's own. */

interface SentModules {
  readonly sourceMap: TraceMap
}

const codes = new Map<string, Emitted | SentModules>()

/** Shipped codes whose stacks can be mapped; beyond, the oldest goes. */
const maxCodes = 1000

export function rememberCode(emitted: Emitted): void {
  remember(emitted.hash, emitted)
}

export function rememberModules({ hash, sourceMap }: LocalModules): void {
  remember(hash, { sourceMap })
}

function remember(hash: string, code: Emitted | SentModules): void {
  if (codes.has(hash)) return
  for (const oldest of codes.size < maxCodes ? [] : codes.keys()) {
    codes.delete(oldest)
    break
  }
  codes.set(hash, code)
}

const shippedPosition = /\(?(?:[^\s()]*[\\/])?cellfan-([0-9a-f]{32})\.js:(\d+):(\d+)\)?/

/** Code of ours that stands in a worker's stack: the runtime, and the code around what was shipped. */
const runtimeFrame =
  /[\\/](?:kernel-ext[\\/](?:worker|capture|protocol|executors|backends|util)|cellfan[\\/]dist|dist[\\/]worker)[\\/.]|node:internal\//

/** @param locate finds what a file of the notebook's own was compiled from. */
export function mapStack(stack: string, locate?: CellBindings["locate"]): string {
  const lines = stack.split("\n")
  const isFrame = (line: string): boolean => /^\s+at /.test(line)
  const lastShipped = lines.findLastIndex((line) => shippedPosition.test(line))
  const kept = lines.filter((line, index) => {
    if (!isFrame(line)) return true
    if (lastShipped >= 0 && index > lastShipped) return false
    return !runtimeFrame.test(line)
  })
  return kept.flatMap((line) => mapLine(line, isFrame(line), locate)).join("\n")
}

/** The line with its position mapped; none where it is of the code around what was shipped. */
function mapLine(line: string, isFrame: boolean, locate: CellBindings["locate"]): string[] {
  const [whole, hash, lineText, columnText] = shippedPosition.exec(line) ?? []
  if (whole === undefined || hash === undefined || !isFrame) return [line]
  const code = codes.get(hash)
  if (code === undefined) return [line]
  const position = { line: Number(lineText), column: Number(columnText) - 1 }
  const where = "sourceMap" in code ? placeInModules(code, position) : place(code, position, locate)
  if (where === undefined) return []
  return [line.replace(whole, whole.startsWith("(") ? `(${where})` : where)]
}

/** 1-based line, 0-based column. */
interface Position {
  readonly line: number
  readonly column: number
}

function place(
  emitted: Emitted,
  { line, column }: Position,
  locate: CellBindings["locate"],
): string | undefined {
  const start = lineStarts(emitted.text)[line - 1]
  if (start === undefined) return undefined
  const offset = start + column
  const piece = pieceAt(emitted.pieces, offset)
  if (piece === undefined) return undefined
  const { origin, syntax } = piece.template
  const found = offsetOf(origin, syntax.source)
  if (found === undefined) return undefined
  const position = positionIn(found.code, found.offset + piece.from + (offset - piece.start))
  const compiled = { line: position.line + 1, column: position.column }
  if (origin.kind === "cell") {
    const { script } = origin
    return inWords(script.original(compiled.line, compiled.column) ?? { label: script.file, ...compiled })
  }
  return origin.kind === "file" ? filePlace(origin.url, compiled, locate) : undefined
}

function inWords({ label, line, column }: Located): string {
  return `${label}:${line}:${column + 1}`
}

/** In a file of the notebook's own, named from the notebook's folder. */
function placeInModules({ sourceMap }: SentModules, position: Position): string | undefined {
  const { source, line, column } = originalPositionFor(sourceMap, position)
  return source === null ? undefined : inWords({ label: source, line, column })
}

/** As whoever compiled the file knows: the notebook, or Node where it has read the file's own source map. */
function filePlace(url: string, { line, column }: Position, locate: CellBindings["locate"]): string {
  const file = url.startsWith("file:") ? fileURLToPath(url) : url
  const located = locate?.(file, line, column)
  if (located !== undefined) return inWords(located)
  const map = findSourceMap(url) ?? findSourceMap(file)
  const entry = (map?.findEntry(line - 1, column) ?? {}) as Record<string, unknown>
  const { originalLine, originalColumn } = entry
  if (typeof originalLine === "number" && typeof originalColumn === "number") {
    return inWords({ label: file, line: originalLine + 1, column: originalColumn })
  }
  return inWords({ label: file, line, column })
}

function pieceAt(pieces: readonly Piece[], offset: number): Piece | undefined {
  let low = 0
  let high = pieces.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((pieces[middle]?.start ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  const piece = pieces[low]
  return piece !== undefined && offset >= piece.start && offset <= piece.start + piece.length
    ? piece
    : undefined
}
