import { findSourceMap } from "node:module"
import { fileURLToPath } from "node:url"
import { originalPositionFor, type TraceMap } from "@jridgewell/trace-mapping"
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

export function mapStack(stack: string): string {
  const lines = stack.split("\n")
  const isFrame = (line: string): boolean => /^\s+at /.test(line)
  const lastShipped = lines.findLastIndex((line) => shippedPosition.test(line))
  const kept = lines.filter((line, index) => {
    if (!isFrame(line)) return true
    if (lastShipped >= 0 && index > lastShipped) return false
    return !runtimeFrame.test(line)
  })
  return kept.flatMap((line) => mapLine(line, isFrame(line))).join("\n")
}

/** The line with its position mapped; none where it is of the code around what was shipped. */
function mapLine(line: string, isFrame: boolean): string[] {
  const [whole, hash, lineText, columnText] = shippedPosition.exec(line) ?? []
  if (whole === undefined || hash === undefined || !isFrame) return [line]
  const code = codes.get(hash)
  if (code === undefined) return [line]
  const locate = "sourceMap" in code ? placeInModules : place
  const where = locate(code as Emitted & SentModules, Number(lineText), Number(columnText) - 1)
  if (where === undefined) return []
  return [line.replace(whole, whole.startsWith("(") ? `(${where})` : where)]
}

function place(emitted: Emitted, line: number, column: number): string | undefined {
  const start = lineStarts(emitted.text)[line - 1]
  if (start === undefined) return undefined
  const offset = start + column
  const piece = pieceAt(emitted.pieces, offset)
  if (piece === undefined) return undefined
  const { origin, syntax } = piece.template
  const found = offsetOf(origin, syntax.source)
  if (found === undefined) return undefined
  const position = positionIn(found.code, found.offset + piece.from + (offset - piece.start))
  if (origin.kind === "cell") {
    const typed = origin.script.original(position.line + 1, position.column)
    return typed === undefined
      ? `${origin.script.file}:${position.line + 1}:${position.column + 1}`
      : `${typed.label}:${typed.line}:${typed.column + 1}`
  }
  return origin.kind === "file" ? filePlace(origin.url, position) : undefined
}

/** In a file of the notebook's own, named from the notebook's folder. */
function placeInModules({ sourceMap }: SentModules, line: number, column: number): string | undefined {
  const { source, line: at, column: from } = originalPositionFor(sourceMap, { line, column })
  return source === null ? undefined : `${source}:${at}:${from + 1}`
}

/** A script's own source map, where Node has read it. */
function filePlace(url: string, { line, column }: { line: number; column: number }): string {
  const file = url.startsWith("file:") ? fileURLToPath(url) : url
  const map = findSourceMap(url) ?? findSourceMap(file)
  const { originalLine, originalColumn } = (map?.findEntry(line, column) ?? {}) as Record<string, unknown>
  if (typeof originalLine === "number" && typeof originalColumn === "number") {
    return `${file}:${originalLine + 1}:${originalColumn + 1}`
  }
  return `${file}:${line + 1}:${column + 1}`
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
