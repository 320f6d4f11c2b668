import { flagsOf, matchFlag } from "../../config/flags.ts"
import type { DisplayBundle } from "../types.ts"
import { callAt } from "./complete.ts"
import { findCellMagic, findLineMagics } from "./find.ts"
import { helpFor } from "./help.ts"
import type { Notebook } from "./magic.ts"

/** Documentation of the magic or the flag at `offset`; undefined where the offset is in TypeScript. */
export function inspectMagic(code: string, offset: number, notebook: Notebook): DisplayBundle | undefined {
  const name = nameAt(code, offset, notebook)
  const magic = name === undefined ? undefined : notebook.magics.get(name)
  if (magic !== undefined) return helpFor(magic)
  const call = callAt(code, offset, notebook)
  if (call?.form.flags === undefined) return undefined
  const word = /[\w-]*$/.exec(code.slice(0, offset))?.[0] + (/^[\w-]*/.exec(code.slice(offset))?.[0] ?? "")
  const match = matchFlag(flagsOf(call.form.flags), word)
  if (match === undefined) return undefined
  const { name: flag, placeholder, option } = match.flag
  const byDefault = option.default === undefined ? "" : ` (default: ${JSON.stringify(option.default)})`
  const text = `${flag} ${placeholder}`.trim()
  const about = `${option.description}${byDefault}.\nTakes ${option.taken}.`
  return { data: { "text/plain": `${text}\n${about}`, "text/markdown": `\`${text}\`\n\n${about}` } }
}

function nameAt(code: string, offset: number, notebook: Notebook): string | undefined {
  const cell = findCellMagic(code)
  if (cell !== undefined) return offset >= cell.start && offset <= cell.argsStart ? cell.name : undefined
  return findLineMagics(code, notebook).find(({ start, argsStart }) => start <= offset && offset <= argsStart)
    ?.name
}
