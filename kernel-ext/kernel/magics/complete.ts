import { type Flag, flagsOf, matchFlag } from "../../config/flags.ts"
import { splitWords, type Word } from "../../config/words.ts"
import type { Completion, Interpreter } from "../types.ts"
import { valueText } from "./arguments.ts"
import { findCellMagic, findLineMagics } from "./find.ts"
import type { CellMagic, LineMagic, Notebook } from "./magic.ts"
import { cellNames, lineNames } from "./transform.ts"

/** What can stand at a place within a magic's own words: names of magics, flags, values, variables, jobs. */

type Match = Completion["matches"][number]

export interface CompletionSources {
  readonly notebook: Notebook
  readonly interpreter: Pick<Interpreter, "complete" | "bindings">
  jobIds(): readonly string[]
}

/** @returns Undefined where the offset is in TypeScript, also in the TypeScript that a magic was given. */
export function completeMagic(
  code: string,
  offset: number,
  sources: CompletionSources,
): Completion | undefined {
  const call = callAt(code, offset, sources.notebook)
  if (call === undefined) return completeName(code, offset, sources.notebook)
  if ("takesCode" in call.form && call.form.takesCode) return undefined
  const words = splitWords(call.args.slice(0, offset - call.argsStart))
  const last = words.at(-1)
  const isOpen = last !== undefined && (last.end === offset - call.argsStart || !last.closed)
  return completeWord(call, isOpen ? words.slice(0, -1) : words, isOpen ? last : undefined, offset, sources)
}

export interface CallAt {
  readonly name: string
  readonly form: LineMagic | CellMagic
  readonly args: string
  readonly argsStart: number
}

/** The magic whose arguments hold `offset`. */
export function callAt(code: string, offset: number, notebook: Notebook): CallAt | undefined {
  const cell = findCellMagic(code)
  if (cell !== undefined) {
    const form = notebook.magics.get(cell.name)?.cell
    if (offset <= cell.argsStart || offset > cell.end || form === undefined) return undefined
    return { name: `%%${cell.name}`, form, args: cell.args, argsStart: cell.argsStart }
  }
  const line = findLineMagics(code, notebook).find(
    ({ argsStart, end }) => argsStart < offset && offset <= end,
  )
  const form = line && notebook.magics.get(line.name)?.line
  if (line === undefined || form === undefined || line.kind !== "line") return undefined
  return { name: `%${line.name}`, form, args: line.args, argsStart: line.argsStart }
}

function completeName(code: string, offset: number, notebook: Notebook): Completion | undefined {
  const typed = /(%{1,2})(\w*)$/.exec(code.slice(0, offset))
  if (typed === null) return undefined
  const start = typed.index
  // With a letter behind the mark the line is a magic, or it is none at all.
  const whole = `${code.slice(0, start)}${typed[1]}x${code.slice(offset)}`
  const everything = { ...notebook, isMagic: () => true, isBound: () => false, isOperand: () => false }
  const isCell = findCellMagic(whole)?.start === start
  if (!isCell && findLineMagics(whole, everything)[0]?.start === undefined) return undefined
  const isLine = typed[1] === "%" && findLineMagics(whole, everything).some((magic) => magic.start === start)
  const couldBeCell = findCellMagic(`${code.slice(0, start)}%%x${code.slice(offset)}`)?.start === start
  if (!isCell && !isLine) return undefined
  const lines = isLine ? lineNames(notebook).map((name) => `%${name}`) : []
  const cells = couldBeCell ? cellNames(notebook).map((name) => `%%${name}`) : []
  const beginning = (typed[2] ?? "").toLowerCase()
  const matches = [...lines, ...cells]
    .filter((name) => name.replace(/^%+/, "").toLowerCase().startsWith(beginning))
    .map((text): Match => ({ text, type: "magic", signature: summaryOf(text, notebook) }))
  return { matches, start, end: offset }
}

function summaryOf(name: string, notebook: Notebook): string {
  return notebook.magics.get(name.replace(/^%+/, ""))?.summary ?? ""
}

function completeWord(
  call: CallAt,
  before: readonly Word[],
  current: Word | undefined,
  offset: number,
  sources: CompletionSources,
): Completion {
  const flags = call.form.flags === undefined ? [] : flagsOf(call.form.flags)
  const typed = current?.text ?? ""
  const start = current === undefined ? offset : call.argsStart + current.start
  const previous = before.at(-1)
  const expecting = previous === undefined ? undefined : matchFlag(flags, previous.text)
  const takesNext = expecting?.value === undefined && expecting?.flag.option.kind !== "boolean"
  if (expecting !== undefined && takesNext)
    return completeValue(expecting.flag, call, current, offset, sources)
  const inline = current === undefined ? undefined : matchFlag(flags, typed)
  if (inline?.value !== undefined) return completeValue(inline.flag, call, current, offset, sources)
  const used = new Set(before.map((word) => matchFlag(flags, word.text)?.flag))
  const names = typed === "" || typed.startsWith("-") ? flagMatches(flags, used) : []
  const matches = [...wordMatches(call, sources), ...names].filter((match) => match.text.startsWith(typed))
  return { matches, start, end: offset }
}

function flagMatches(flags: readonly Flag[], used: ReadonlySet<Flag | undefined>): Match[] {
  const repeatable = (flag: Flag): boolean => flag.option.kind === "record" || flag.option.kind === "list"
  return flags
    .filter((flag) => !used.has(flag) || repeatable(flag))
    .flatMap((flag) => {
      const match = { text: flag.name, type: "flag", signature: flag.option.description }
      if (flag.option.kind !== "boolean") return [match]
      return [match, { ...match, text: `--no-${flag.name.slice(2)}` }]
    })
}

/** What stands for itself, without a flag. */
function wordMatches(call: CallAt, sources: CompletionSources): Match[] {
  switch (call.name) {
    case "%cancel":
    case "%retry":
      return [...sources.jobIds()].reverse().map((text) => ({ text, type: "job" }))
    case "%env":
      return Object.keys(process.env)
        .toSorted()
        .map((text) => ({ text, type: "variable" }))
    default:
      return []
  }
}

function completeValue(
  flag: Flag,
  call: CallAt,
  current: Word | undefined,
  offset: number,
  sources: CompletionSources,
): Completion {
  const nothing = { matches: [], start: offset, end: offset }
  const text = current && valueText(current, call.args)
  const typed = text?.code ?? ""
  const start = text?.start === undefined ? offset - typed.length : call.argsStart + text.start
  const { key, values } = flag.option
  if (values !== undefined) {
    const matches = values
      .filter((value) => value.startsWith(typed))
      .map((value) => ({ text: value, type: "value" }))
    return { matches, start, end: offset }
  }
  if (key !== "map" && key !== "reduce") return nothing
  const completion = sources.interpreter.complete(typed, typed.length)
  const isName = /^[\w$]*$/.test(typed)
  const wanted = key === "map" ? isIterable : isFunction
  const fits = ({ text: name }: Match): boolean => {
    const binding = sources.interpreter.bindings.lookup(name)
    return binding !== undefined && (binding.kind !== "value" || wanted(binding.value))
  }
  const matches = isName ? completion.matches.filter(fits) : completion.matches
  return { matches, start: start + completion.start, end: start + completion.end }
}

function isIterable(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  return Symbol.iterator in value || Symbol.asyncIterator in value
}

function isFunction(value: unknown): boolean {
  return typeof value === "function"
}
