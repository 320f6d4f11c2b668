import type * as z from "zod"
import { parseFlags } from "../../config/flags.ts"
import { splitWords, type Word } from "../../config/words.ts"
import { UsageError } from "../../errors.ts"
import { nearest } from "../../util/nearest.ts"
import type { Part } from "./edits.ts"
import type { Notebook } from "./magic.ts"
import { isExpression, rootName } from "./syntax.ts"

/** Arguments that are words and flags may end in a semicolon or a comment, as a line of TypeScript may. */
export function plainArguments(args: string): string {
  const comment = splitWords(args).find((word) => !word.quoted && word.text.startsWith("//"))
  return (comment === undefined ? args : args.slice(0, comment.start)).replace(/[\s;]+$/, "")
}

/** Flags of a magic that takes nothing else. `given` holds what was typed. */
export function readFlags<S extends z.ZodObject>(schema: S, args: string, owner: string) {
  const flags = parseFlags(schema, plainArguments(args), owner)
  const [stray] = flags.rest
  if (stray !== undefined)
    throw new UsageError(`${owner}: unrecognized argument ${stray.text}. ${strayHint(stray)}`)
  return flags
}

function strayHint(stray: Word): string {
  return stray.text.startsWith("-")
    ? "Flags begin with two dashes."
    : "What it takes are flags and their values."
}

/** Refuses arguments where a magic takes none. */
export function readNothing(args: string, owner: string): void {
  const plain = plainArguments(args).trim()
  if (plain !== "") throw new UsageError(`${owner} takes no arguments, but got ${plain}.`)
}

/** The one word that a magic takes; undefined where there is none. */
export function readWord(args: string, owner: string, taken: string): string | undefined {
  const words = splitWords(plainArguments(args))
  if (words.length > 1)
    throw new UsageError(`${owner} takes ${taken}, but got ${plainArguments(args).trim()}.`)
  return words[0]?.text
}

/**
 * The expression that a flag was given, as code.
 *
 * @throws UsageError where it is no expression, or begins with a name that the notebook does not have.
 */
export function expressionPart(
  word: Word,
  flag: string,
  call: { readonly notebook: Notebook; readonly args: string; readonly argsStart: number },
  owner: string,
): Part {
  const text = valueText(word, call.args)
  if (!isExpression(text.code))
    throw new UsageError(
      `${owner}: argument ${flag} takes a variable or an expression, but got ${text.code}.`,
    )
  const name = rootName(text.code)
  if (name !== undefined && !call.notebook.isBound(name)) {
    const near = nearest(name, call.notebook.variables())
    const guess = near === undefined ? "Define it in an earlier cell." : `Did you mean ${near}?`
    throw new UsageError(
      `${owner}: argument ${flag} takes a variable or an expression, but name '${name}' is not defined. ${guess}`,
    )
  }
  return textPart(text, call.argsStart)
}

interface ValueText {
  readonly code: string
  /** Where it stands in the arguments; undefined where quotes or breaks make it differ from what was typed. */
  readonly start: number | undefined
}

/** A flag's value as typed: behind `=`, or between its quotes. */
export function valueText(word: Word, args: string): ValueText {
  const typed = args.slice(word.start, word.end)
  const equals = /^--[\w-]+=/.exec(typed)?.[0].length ?? 0
  const value = typed.slice(equals)
  const quotes = /^(["'])(.*)\1$/s.exec(value)
  const inner = quotes?.[2] ?? value
  const code = equals > 0 ? word.text.slice(equals) : word.text
  const isAsTyped = code === inner && !code.includes("\n")
  const start = word.start + equals + (quotes === null ? 0 : 1)
  return { code: code.replaceAll(/\s*\n\s*/g, " "), start: isAsTyped ? start : undefined }
}

export function textPart(text: ValueText, argsStart: number): Part {
  if (text.start === undefined) return text.code
  return { start: argsStart + text.start, end: argsStart + text.start + text.code.length }
}
