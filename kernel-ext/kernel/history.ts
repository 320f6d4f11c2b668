import { randomUUID } from "node:crypto"
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { log } from "./log.ts"
import { isRecord } from "./wire.ts"

/** What was run, in this session and in those before: one JSON object a line, appended by every kernel of this user. */

export interface HistoryEntry {
  /** Sessions are numbered from 1 in the order they began. */
  readonly session: number
  readonly line: number
  readonly input: string
  readonly output: string | undefined
}

type Line = { readonly s: string; readonly n: number; readonly in: string } | OutputLine
interface OutputLine {
  readonly s: string
  readonly n: number
  readonly out: string
}

const MOST_ENTRIES = 20_000

/** Longest result that is kept. */
const LONGEST_OUTPUT = 10_000

export class History {
  readonly #file: string | undefined
  readonly #session = randomUUID()
  /** This session's own lines: they are answered even where the file cannot be written. */
  readonly #own: Line[] = []
  #writable = true

  /** Without a file the history is this session's only. */
  constructor(file: string | undefined) {
    this.#file = file
  }

  add(line: number, input: string): void {
    this.#append({ s: this.#session, n: line, in: input })
  }

  addOutput(line: number, output: string): void {
    this.#append({ s: this.#session, n: line, out: output.slice(0, LONGEST_OUTPUT) })
  }

  /** All entries, oldest first; this session's stand last. */
  entries(): HistoryEntry[] {
    const earlier = this.#read().filter(({ s }) => s !== this.#session)
    return number([...earlier, ...this.#own])
  }

  /** The last `n` entries. */
  tail(n: number): HistoryEntry[] {
    return n <= 0 ? [] : this.entries().slice(-n)
  }

  /** Lines `start` to before `stop` of a session: 0 is this one, -1 the one before, a positive number is counted from the first. */
  range(session: number, start: number, stop: number | undefined): HistoryEntry[] {
    const entries = this.entries()
    const present = this.#own.length > 0 ? entries.at(-1)?.session : (entries.at(-1)?.session ?? 0) + 1
    const wanted = session > 0 ? session : (present ?? 1) + session
    return entries.filter(
      ({ session, line }) => session === wanted && line >= start && (stop === undefined || line < stop),
    )
  }

  /** Entries whose whole input matches a pattern of `*`, `?` and `[…]`; the newest `n` of them. */
  search(
    pattern: string,
    options: { readonly n: number | undefined; readonly unique: boolean },
  ): HistoryEntry[] {
    const expression = globExpression(pattern)
    let found = this.entries().filter(({ input }) => expression.test(input))
    if (options.unique) {
      const newest = new Map(found.map((entry) => [entry.input, entry]))
      found = found.filter((entry) => newest.get(entry.input) === entry)
    }
    return options.n === undefined ? found : found.slice(-options.n)
  }

  #append(line: Line): void {
    this.#own.push(line)
    if (this.#file === undefined || !this.#writable) return
    try {
      appendFileSync(this.#file, `${JSON.stringify(line)}\n`, { mode: 0o600 })
    } catch (first) {
      try {
        mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 })
        appendFileSync(this.#file, `${JSON.stringify(line)}\n`, { mode: 0o600 })
      } catch {
        this.#writable = false
        log(`The history is kept for this session only: cannot write ${this.#file} (${String(first)})`)
      }
    }
  }

  #read(): Line[] {
    if (this.#file === undefined) return []
    let text: string
    try {
      text = readFileSync(this.#file, "utf8")
    } catch {
      return []
    }
    const lines = text.split("\n").flatMap(parseLine)
    if (lines.length <= 2 * MOST_ENTRIES) return lines
    const kept = lines.slice(-MOST_ENTRIES)
    this.#rewrite(this.#file, kept)
    return kept
  }

  #rewrite(file: string, lines: readonly Line[]): void {
    try {
      const next = `${file}.${process.pid}`
      writeFileSync(next, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 })
      renameSync(next, file)
    } catch (error) {
      log(`Cannot shorten the history in ${file}: ${String(error)}`)
    }
  }
}

/** Where this user's history stands. `CELLFAN_HISTORY` names another file; empty, it turns the file off. */
export function historyFile(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const chosen = environment.CELLFAN_HISTORY
  if (chosen !== undefined) return chosen === "" ? undefined : chosen
  if (process.platform === "win32") {
    return join(environment.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "cellfan", "history.jsonl")
  }
  return join(environment.XDG_STATE_HOME || join(homedir(), ".local", "state"), "cellfan", "history.jsonl")
}

/** A line that another kernel was still writing, or a damaged one, is passed over. */
function parseLine(text: string): Line[] {
  if (text === "") return []
  try {
    const value: unknown = JSON.parse(text)
    if (!isRecord(value) || typeof value.s !== "string" || typeof value.n !== "number") return []
    if (typeof value.in === "string") return [{ s: value.s, n: value.n, in: value.in }]
    if (typeof value.out === "string") return [{ s: value.s, n: value.n, out: value.out }]
  } catch {
    // Passed over.
  }
  return []
}

function number(lines: readonly Line[]): HistoryEntry[] {
  const sessions = new Map<string, Map<number, HistoryEntry>>()
  for (const line of lines) {
    const session = sessions.get(line.s) ?? new Map<number, HistoryEntry>()
    sessions.set(line.s, session)
    const before = session.get(line.n)
    if ("in" in line) {
      session.set(line.n, { session: sessions.size, line: line.n, input: line.in, output: undefined })
    } else if (before !== undefined) session.set(line.n, { ...before, output: line.out })
  }
  return [...sessions.values()].flatMap((session, index) =>
    [...session.values()].map((entry) => ({ ...entry, session: index + 1 })),
  )
}

function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (part, negated, characters) => {
    if (characters !== undefined) {
      return `[${negated ? "^" : ""}${characters.replace(/[\\\]^]/g, "\\$&")}]`
    }
    if (part === "*") return "[\\s\\S]*"
    if (part === "?") return "[\\s\\S]"
    return part.replace(/[\\^$.|+()[\]{}/]/g, "\\$&")
  })
  try {
    return new RegExp(`^${source}$`)
  } catch {
    // "[z-a]" is no range: nothing matches it.
    return /^(?!)/
  }
}
