import { type Flag, flagsOf, matchFlag } from "../../config/flags.ts"
import { splitWords } from "../../config/words.ts"
import type { DisplayBundle, Interpreter } from "../types.ts"
import { valueText } from "./arguments.ts"
import { callAt } from "./complete.ts"
import { findCellMagic, findLineMagics } from "./find.ts"
import { helpFor } from "./help.ts"
import type { Notebook } from "./magic.ts"

export interface InspectionSources {
  readonly notebook: Notebook
  readonly interpreter: Pick<Interpreter, "inspect">
}

/** Documentation of the magic, flag or value at `offset`; undefined where the offset is in other TypeScript. */
export function inspectMagic(
  code: string,
  offset: number,
  { notebook, interpreter }: InspectionSources,
): DisplayBundle | undefined {
  const name = nameAt(code, offset, notebook)
  const magic = name === undefined ? undefined : notebook.magics.get(name)
  if (magic !== undefined) return helpFor(magic)
  const call = callAt(code, offset, notebook)
  if (call?.form.flags === undefined) return undefined
  const flags = flagsOf(call.form.flags)
  const at = offset - call.argsStart
  const words = splitWords(call.args)
  const index = words.findIndex((word) => word.start <= at && at <= word.end)
  const word = words[index]
  if (word === undefined) return undefined
  const own = matchFlag(flags, word.text)
  const before = matchFlag(flags, words[index - 1]?.text ?? "")
  const flag = (own ?? before)?.flag
  if (flag === undefined) return undefined
  const value = valueText(word, call.args)
  const inValue = value.start === undefined ? -1 : at - value.start
  const isCode =
    (flag.option.key === "map" || flag.option.key === "reduce") && (own?.value ?? before) !== undefined
  if (isCode && inValue >= 0) return interpreter.inspect(value.code, inValue, 0)
  return flagHelp(flag)
}

function flagHelp({ name, placeholder, option }: Flag): DisplayBundle {
  const byDefault = option.default === undefined ? "" : ` (default: ${JSON.stringify(option.default)})`
  const text = `${name} ${placeholder}`.trim()
  const about = `${option.description}${byDefault}.\nTakes ${option.taken}.`
  return { data: { "text/plain": `${text}\n${about}`, "text/markdown": `\`${text}\`\n\n${about}` } }
}

function nameAt(code: string, offset: number, notebook: Notebook): string | undefined {
  const cell = findCellMagic(code)
  if (cell !== undefined) return offset >= cell.start && offset <= cell.argsStart ? cell.name : undefined
  return findLineMagics(code, notebook).find(({ start, argsStart }) => start <= offset && offset <= argsStart)
    ?.name
}
