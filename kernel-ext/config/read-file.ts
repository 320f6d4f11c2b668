import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Alias, Document, LineCounter, Pair, Scalar, YAMLError, YAMLMap } from "yaml"
import { ConfigError } from "../errors.ts"
import { inWords } from "../util/in-words.ts"
import { type Entry, guess, isSection, optionsIn, sectionNames } from "./entries.ts"
import type { FoundFile } from "./find-file.ts"
import { keyAliases, keysWithoutMeaning, sectionAliases, sectionsWithoutMeaning } from "./lithops.ts"
import type { OptionInfo } from "./options.ts"
import type { SectionName } from "./sections.ts"
import { splitList } from "./words.ts"

/** What a file says. */
export interface FileContent {
  readonly entries: readonly Entry[]
  /** What it says that has no meaning here, one sentence each. */
  readonly warnings: readonly string[]
}

/** @throws ConfigError naming file and line for what cannot be read, and for sections and keys that do not exist. */
export function readFile({ path, isLithops }: FoundFile): FileContent {
  return new Reader(path, isLithops).read()
}

class Reader {
  readonly #path: string
  readonly #isLithops: boolean
  readonly #entries: Entry[] = []
  readonly #warnings: string[] = []
  #lines: LineCounter | undefined
  #document: Document | undefined

  constructor(path: string, isLithops: boolean) {
    this.#path = path
    this.#isLithops = isLithops
  }

  read(): FileContent {
    const document = this.#parse()
    for (const pair of this.#pairs(document.contents, "The file")) this.#section(pair)
    return { entries: this.#entries, warnings: this.#warnings }
  }

  #parse(): Document {
    // Only who has a file needs the parser. JSON is YAML too, and gets its lines from it.
    const { LineCounter, parseDocument } = createRequire(import.meta.url)("yaml") as typeof import("yaml")
    this.#lines = new LineCounter()
    const text = this.#text()
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    this.#document = document
    // A tag that nobody knows would change what a value means: that is no mere warning.
    const error = document.errors[0] ?? document.warnings[0]
    if (error !== undefined) throw this.#error(error.pos[0], "", this.#inOurWords(error, text))
    return document
  }

  #inOurWords({ code, message, pos }: YAMLError, text: string): string {
    const language = this.#path.endsWith(".json") ? "JSON" : "YAML"
    if (code === "DUPLICATE_KEY") {
      const name = /^["']?([\w-]+)/.exec(text.slice(pos[0]))?.[1] ?? "this key"
      return `\`${name}\` stands here a second time: leave one of the two.`
    }
    if (code === "MULTIPLE_DOCS")
      return "a second document begins, after ---, and a file has one: leave out the line."
    return `cannot be read as ${language}: ${message}.`
  }

  #text(): string {
    let bytes: Buffer
    try {
      bytes = readFileSync(this.#path)
    } catch (cause) {
      throw new ConfigError(`${this.#path} cannot be read: ${(cause as Error).message}`, { key: "", cause })
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
    } catch (cause) {
      throw new ConfigError(`${this.#path} is not written in UTF-8: save it so.`, { key: "", cause })
    }
  }

  /** What is there and nothing else may be: keys with values. An empty section counts as absent. */
  #pairs(given: unknown, what: string): readonly Pair<Scalar, unknown>[] {
    const node = this.#resolved(given)
    const scalar = node as Partial<Scalar> | null
    if (node === null || (scalar !== null && "value" in (node as object) && scalar.value === null)) return []
    const { items, range } = node as Partial<YAMLMap<Scalar>>
    const isMap =
      Array.isArray(items) &&
      items.every((item) => item !== null && typeof item === "object" && "key" in item)
    if (!isMap)
      throw this.#error(
        range?.[0] ?? 0,
        "",
        `${what} takes keys with values, as in \`region: eu-west-1\`, but here is ${Array.isArray(items) ? "a list" : "a text"}.`,
      )
    return items
  }

  /** What an alias stands for, or what is there itself. */
  #resolved(node: unknown): unknown {
    const { resolve, source, range } = (node ?? {}) as Partial<Alias>
    if (typeof resolve !== "function" || this.#document === undefined) return node
    const found = resolve.call(node as Alias, this.#document)
    if (found !== undefined) return found
    throw this.#error(
      range?.[0] ?? 0,
      "",
      `there is nothing before this line that is called &${source}, which *${source} stands for.`,
    )
  }

  #name({ value, range }: Scalar): string {
    if (value === undefined || (typeof value === "object" && value !== null))
      throw this.#error(range?.[0] ?? 0, "", "here a key is no name, but a list or keys of its own.")
    const written = String(value)
    const [name = "", joined] = written.split(/[:=]/, 2)
    // What is joined to it may be secret.
    if (joined !== undefined)
      throw this.#error(
        range?.[0] ?? 0,
        name,
        `after \`${name}\` stands no colon with a blank behind it, which a value follows.`,
      )
    return written
  }

  #section({ key, value }: Pair<Scalar, unknown>): void {
    const written = this.#name(key)
    const name = sectionAliases[written] ?? written
    const at = key.range?.[0] ?? 0
    if (isSection(name)) {
      for (const pair of this.#pairs(value, `The section ${written}`)) this.#entry(name, written, pair)
    } else if (sectionsWithoutMeaning.includes(name) || this.#isLithops) {
      this.#warn(at, `the section ${written} has no meaning in this version and is passed over`)
    } else {
      // "aws" begins as "aws_lamda" does, and is not what was meant.
      const isLong = written.includes("_")
      const names = [...sectionNames, ...Object.keys(sectionAliases)].filter(
        (one) => one.includes("_") === isLong,
      )
      throw this.#error(
        at,
        written,
        `there is no section \`${written}\`${guess(written, names)}${belongs(written)} There are ${sectionNames.join(", ")}.`,
      )
    }
  }

  #entry(section: SectionName, sectionWritten: string, pair: Pair<Scalar, unknown>): void {
    const written = this.#name(pair.key)
    const at = pair.key.range?.[0] ?? 0
    const options = optionsIn(section)
    const found = this.#option(options, keyAliases[written] ?? written)
    if (found !== undefined) {
      const plain = this.#plain(pair.value)
      if (plain === null || plain === undefined) return
      const value = meaningOf(plain, found)
      const origin = { kind: "file", path: this.#path, line: this.#lineOf(at), written } as const
      this.#entries.push({ section, key: found.option.key, value, origin })
    } else if (keysWithoutMeaning[section]?.includes(written) || this.#isLithops) {
      this.#warn(at, `\`${written}\` of ${sectionWritten} has no meaning here and is passed over`)
    } else {
      const keys = options.map((option) => option.key)
      const elsewhere = belongs(written)
      const near = elsewhere === "" ? guess(written, keys) : "."
      const message = `${sectionWritten} has no key \`${written}\`${near}${elsewhere} It takes ${keys.join(", ")}.`
      throw this.#error(at, written, message)
    }
  }

  /** Ours, or Lithops' in its own unit. */
  #option(options: readonly OptionInfo[], written: string): Found | undefined {
    const own = options.find(({ key }) => key === written)
    if (own !== undefined) return { option: own, factor: 1 }
    const theirs = options.find(({ lithops }) => lithops?.key === written)
    return theirs && { option: theirs, factor: theirs.lithops?.factor ?? 1 }
  }

  #plain(given: unknown): unknown {
    const node = this.#resolved(given)
    const { toJSON } = (node ?? {}) as { toJSON?: () => unknown }
    return typeof toJSON === "function" ? toJSON.call(node) : node
  }

  #warn(at: number, what: string): void {
    this.#warnings.push(`${this.#path}, line ${this.#lineOf(at)}: ${what}.`)
  }

  #error(at: number, key: string, what: string): ConfigError {
    return new ConfigError(`${this.#path}, line ${this.#lineOf(at)}: ${what}`, { key })
  }

  #lineOf(offset: number): number {
    return this.#lines?.linePos(offset).line ?? 1
  }
}

interface Found {
  readonly option: OptionInfo
  readonly factor: number
}

/** In our unit; and what is one text where several may stand, as in the environment. */
function meaningOf(plain: unknown, { option, factor }: Found): unknown {
  if (typeof plain === "number") return plain * factor
  return typeof plain === "string" && option.kind === "list" ? splitList(plain) : plain
}

/** Which sections have a key that stands where it has no meaning. */
function belongs(written: string): string {
  const owners = sectionNames.filter((section) => optionsIn(section).some(({ key }) => key === written))
  return owners.length === 0 ? "" : ` It is a key of ${inWords(owners, "and")}.`
}
