import { relative } from "node:path"
import { originalPositionFor, type SourceMapInput, TraceMap } from "@jridgewell/trace-mapping"
import type MagicString from "magic-string"
import type { CellScript } from "../../capture/types.ts"
import type { TypedSource } from "../types.ts"

/** The scripts that cells and the notebook's modules became, and the way back to what the user wrote. */

export interface Position {
  /** "cell 3", or a file's name from the notebook's folder. */
  readonly label: string
  /** From 1. */
  readonly line: number
  /** From 0. */
  readonly column: number
  /** What the user wrote, for a code frame. */
  readonly text: string
}

export interface Scripts {
  readonly cells: readonly CellScript[]
  addCell(cell: {
    file: string
    label: string
    code: string
    body: MagicString
    sourceMap: string
    typed: TypedSource
    typescript: string
  }): void
  /** `sourceMaps`: from the last step of its compilation to the first. */
  addModule(file: string, sourceMaps: readonly string[], text: string): void
  /** Position in a script that runs (line from 1, column from 0) → position in what the user wrote. */
  locate(file: string, line: number, column: number): Position | undefined
  /** Whether a script is one of ours; a position in it that has no origin is in what we put around the cell. */
  isScript(file: string): boolean
  /** What the user wrote in the cell or module of that label. */
  textOf(label: string): string | undefined
}

/** The line that tslab puts before each cell is in the source map, and not in the cell. */
const PREFIX_LINES = 1

type Locate = (line: number, column: number) => Position | undefined

export function createScripts(folder: string): Scripts {
  const cells: CellScript[] = []
  const locators = new Map<string, Locate>()
  const texts = new Map<string, string>()
  return {
    cells,
    addCell({ file, label, code, body, sourceMap, typed, typescript }) {
      const trace = lazy(() => new TraceMap(body.generateMap({ hires: true }) as SourceMapInput))
      const toTypeScript = lazy(() => new TraceMap(sourceMap))
      const starts = lazy(() => lineStarts(typescript))
      const locate: Locate = (line, column) => {
        const inJavaScript = originalPositionFor(trace(), { line, column })
        if (inJavaScript.line === null) return undefined
        const found = originalPositionFor(toTypeScript(), inJavaScript)
        if (found.line === null) return undefined
        const start = starts()[found.line - 1 - PREFIX_LINES]
        if (start === undefined) return undefined
        return { label, text: typed.text, ...positionAt(typed.text, typed.toTyped(start + found.column)) }
      }
      locators.set(file, locate)
      texts.set(label, typed.text)
      cells.push({ file, code, original: locate })
    },
    addModule(file, sourceMaps, text) {
      const label = relative(folder, file)
      texts.set(label, text)
      const traces = lazy(() => sourceMaps.map((sourceMap) => new TraceMap(sourceMap)))
      locators.set(file, (line, column) => {
        let place = { line, column }
        for (const trace of traces()) {
          const { line: found, column: at } = originalPositionFor(trace, place)
          if (found === null) return undefined
          place = { line: found, column: at }
        }
        return { label, text, ...place }
      })
    },
    locate: (file, line, column) => locators.get(file)?.(line, column),
    isScript: (file) => locators.has(file),
    textOf: (label) => texts.get(label),
  }
}

/** Line from 1 and column from 0 of an offset. */
export function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  const start = before.lastIndexOf("\n") + 1
  return { line: before.split("\n").length, column: offset - start }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1)
  return starts
}

function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
