import type * as z from "zod"
import { UsageError } from "../errors.ts"
import { inWords } from "../util/in-words.ts"
import { nearest } from "../util/nearest.ts"
import { type OptionInfo, optionsOf } from "./options.ts"
import { describeIssues, show } from "./validate.ts"
import { splitWords, type Word } from "./words.ts"

/** An option as it is typed on a line. */
export interface Flag {
  /** With its dashes: `--timeout-ms`. */
  readonly name: string
  /** What follows it, for help: `NUMBER`, `KEY=VALUE`; empty for a boolean. */
  readonly placeholder: string
  readonly option: OptionInfo
}

/** The flags of a schema, in its order. An option that has no text form, such as an AbortSignal, has none. */
export function flagsOf(schema: z.ZodObject): readonly Flag[] {
  return optionsOf(schema)
    .filter((option) => option.kind !== "opaque")
    .map((option) => ({ name: `--${kebab(option.key)}`, placeholder: placeholder(option), option }))
}

/** `timeoutMs` → `timeout-ms`, `memoryMiB` → `memory-mib`. */
export function kebab(key: string): string {
  return key
    .replace(/[KMGT]iB$/, (unit) => unit[0] + unit.slice(1).toLowerCase())
    .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** What was typed, validated, and where. */
export interface ParsedFlags<T> {
  /** Options with defaults filled in. */
  readonly values: T
  /** Only what was typed, as the API takes it. */
  readonly given: Readonly<Record<string, unknown>>
  /** Where each option's value stands in the argument string. */
  readonly words: ReadonlyMap<string, Word>
  /** Words that are neither flags nor their values. */
  readonly rest: readonly Word[]
}

/**
 * Reads `--timeout-ms 500 --fail-fast --env A=1 --env B=2`.
 *
 * A value follows its flag or an equals sign; `--no-x` turns a boolean off; a unit may be left out (`--timeout 500`).
 *
 * @param owner Who takes the flags, for messages: "%LocalhostExecutor".
 * @throws UsageError naming the flag, what was got, what is taken and the nearest right flag.
 */
export function parseFlags<S extends z.ZodObject>(
  schema: S,
  text: string,
  owner: string,
): ParsedFlags<z.output<S>> {
  const reader = new FlagReader(flagsOf(schema), owner)
  const words = splitWords(text)
  const open = words.find((word) => !word.closed)
  if (open !== undefined)
    throw new UsageError(`${owner}: the quote in ${text.slice(open.start)} is never closed.`)
  for (let at = 0; at < words.length; ) at += reader.read(words, at)
  const parsed = schema.safeParse(reader.given)
  if (!parsed.success) {
    const problems = describeIssues(
      schema,
      reader.given,
      parsed.error.issues,
      (key) => `argument --${kebab(key)}`,
    )
    const messages = problems.map((problem) => (problem.kind === "value" ? problem.message : problem.key))
    throw new UsageError(messages.map((message) => `${owner}: ${message}`).join("\n"))
  }
  return { values: parsed.data, given: reader.given, words: reader.words, rest: reader.rest }
}

/** What flag a word calls, and how: undefined where it is none of them. */
export function matchFlag(
  flags: readonly Flag[],
  word: string,
): { readonly flag: Flag; readonly off: boolean; readonly value: string | undefined } | undefined {
  const [name = "", value] = splitOnce(word, "=")
  const exact = flags.find((flag) => flag.name === name)
  if (exact !== undefined) return { flag: exact, off: false, value }
  const off = flags.find((flag) => flag.option.kind === "boolean" && `--no-${flag.name.slice(2)}` === name)
  if (off !== undefined) return { flag: off, off: true, value }
  const withoutUnit = flags.find((flag) => flag.name.replace(/-(ms|mib|bytes)$/, "") === name)
  return withoutUnit === undefined ? undefined : { flag: withoutUnit, off: false, value }
}

class FlagReader {
  readonly given: Record<string, unknown> = {}
  readonly words = new Map<string, Word>()
  readonly rest: Word[] = []
  readonly #flags: readonly Flag[]
  readonly #owner: string

  constructor(flags: readonly Flag[], owner: string) {
    this.#flags = flags
    this.#owner = owner
  }

  /** Reads the flag at `at` with its value; returns how many words that took. */
  read(words: readonly Word[], at: number): number {
    const word = words[at]
    if (word === undefined) return 1
    if (!word.text.startsWith("--")) {
      this.rest.push(word)
      return 1
    }
    const match = matchFlag(this.#flags, word.text)
    if (match === undefined) throw new UsageError(this.#unknown(word.text))
    const { flag, off } = match
    if (flag.option.kind === "boolean") {
      this.#setBoolean(flag, off, match.value)
      return 1
    }
    const next = words[at + 1]
    // The words of a value after `=` are the flag's own word.
    const value = match.value ?? (next?.text.startsWith("--") && !next.quoted ? undefined : next?.text)
    if (value === undefined)
      throw new UsageError(
        `${this.#owner}: argument ${flag.name} takes ${flag.option.taken}, but got nothing.`,
      )
    const place = match.value === undefined ? next : word
    if (place !== undefined) this.words.set(flag.option.key, place)
    this.#set(flag, value)
    return match.value === undefined ? 2 : 1
  }

  #setBoolean(flag: Flag, off: boolean, value: string | undefined): void {
    if (value !== undefined && (off || (value !== "true" && value !== "false")))
      throw new UsageError(
        `${this.#owner}: argument ${flag.name} takes no value, true or false, but got ${show(value)}.`,
      )
    this.given[flag.option.key] = value === undefined ? !off : value === "true"
  }

  #set(flag: Flag, value: string): void {
    const { key, kind, lists } = flag.option
    if (kind === "record") {
      const [name = "", entry] = splitOnce(value, "=")
      if (entry === undefined || name === "")
        throw new UsageError(`${this.#owner}: argument ${flag.name} takes KEY=VALUE, but got ${show(value)}.`)
      const item = lists.includes(name) ? entry.split(",") : entry
      this.given[key] = { ...(this.given[key] as object | undefined), [name]: item }
    } else if (kind === "list") {
      this.given[key] = [...((this.given[key] as string[] | undefined) ?? []), ...value.split(",")]
    } else if (key in this.given) {
      throw new UsageError(`${this.#owner}: argument ${flag.name} is given twice.`)
    } else {
      this.given[key] = kind === "integer" || kind === "number" ? toNumber(value) : value
    }
  }

  #unknown(typed: string): string {
    const [name = typed] = splitOnce(typed, "=")
    const names = this.#flags.map((flag) => flag.name)
    const near = nearest(name, names)
    const guess = near === undefined ? "" : ` Did you mean ${near}?`
    const all = names.length === 0 ? "It takes no flags." : `It takes ${inWords(names, "and")}.`
    return `${this.#owner}: unrecognized argument ${name}.${guess} ${all}`
  }
}

/** A number, or the text itself where it is none, so that the schema says what is taken. */
function toNumber(text: string): unknown {
  return /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text.replaceAll("_", "")) : text
}

function splitOnce(text: string, at: string): [string, string | undefined] {
  const index = text.indexOf(at)
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + at.length)]
}

function placeholder(option: OptionInfo): string {
  if (option.placeholder !== undefined) return option.placeholder
  switch (option.kind) {
    case "integer":
      return "N"
    case "number":
      return "NUMBER"
    case "boolean":
      return ""
    case "record":
      return "KEY=VALUE"
    case "list":
      return "A,B,…"
    default:
      return option.values === undefined ? "TEXT" : option.values.join("|")
  }
}
