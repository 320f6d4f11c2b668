import { type FoundMagic, joinLines, lineEnd, type Names, readMagic } from "./classify.ts"

/** Which lines of a cell are magics. */

export interface FoundCellMagic {
  /** Offsets of `%%NAME`, of its arguments and of the line's end; a backslash at its end continues the line. */
  readonly start: number
  readonly argsStart: number
  readonly end: number
  readonly name: string
  readonly args: string
  /** `%%NAME?` */
  readonly help: boolean
  /** Where the body begins: after the line's end. */
  readonly bodyStart: number
}

/** Blank lines and comment lines may stand before a cell magic. */
const cellMagic = /^(?:[ \t]*(?:\/\/[^\n]*)?\r?\n)*[ \t]*(?=%%[A-Za-z_])/

export function findCellMagic(code: string): FoundCellMagic | undefined {
  const start = cellMagic.exec(code)?.[0].length
  if (start === undefined) return undefined
  const name = /[\w.]+/y
  name.lastIndex = start + 2
  const word = name.exec(code)?.[0] ?? ""
  const argsStart = start + 2 + word.length
  const end = lineEnd(code, argsStart)
  const args = code.slice(argsStart, end)
  const bodyStart = code.indexOf("\n", end) + 1 || code.length
  return {
    start,
    argsStart,
    end,
    name: word,
    args: joinLines(args),
    help: /^\?{1,2}\s*$/.test(args),
    bodyStart,
  }
}

/**
 * A line that could be a magic: `%name`, `!cmd`, `?x`, `x?`, `x = %name`. What stands before a mark is looked at only where there is
 * one: a cell may hold a word of a megabyte.
 */
const candidate = new RegExp(
  [
    String.raw`%{1,2}(?=[A-Za-z_])(?<=^[ \t]*%{1,2})`,
    String.raw`!{1,2}(?=[A-Za-z_./~])(?<=^[ \t]*!{1,2})`,
    String.raw`\?{1,2}(?=%{0,2}[A-Za-z_$])(?<=^[ \t]*\?{1,2})`,
    String.raw`[%!](?=[A-Za-z_])(?<==[ \t]*[%!])`,
    String.raw`\?{1,2}(?=[ \t]*;?[ \t]*\r?$)(?<=^[ \t]*[\w$.]+\?{1,2})`,
  ].join("|"),
  "gm",
)

/** Line magics from `from` on, in order. */
export function findLineMagics(code: string, names: Names, from = 0): FoundMagic[] {
  candidate.lastIndex = from
  if (!candidate.test(code)) return []
  const found: FoundMagic[] = []
  // What was found gives way to harmless code of the same length, so that all before the next one parses.
  let plain = code.slice(0, from).replaceAll(/[^\n]/g, " ") + code.slice(from)
  candidate.lastIndex = from
  for (let match = candidate.exec(plain); match !== null; match = candidate.exec(plain)) {
    const magic = readMagic(plain, match.index, match[0], names)
    if (magic === undefined) continue
    found.push(magic)
    const filler = magic.assigned === undefined ? ";" : "0;"
    const blank = plain.slice(magic.start, magic.end).replaceAll(/[^\n]/g, " ")
    plain = plain.slice(0, magic.start) + (filler + blank).slice(0, blank.length) + plain.slice(magic.end)
    candidate.lastIndex = magic.end
  }
  return found
}
