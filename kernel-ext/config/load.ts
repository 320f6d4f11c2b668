import { statSync } from "node:fs"
import type * as z from "zod"
import { ConfigError } from "../errors.ts"
import { type Entry, guess, type Origin, optionsIn, originText, sectionNames } from "./entries.ts"
import { readEnvironment } from "./environment.ts"
import { type FoundFile, findFile, homeOf } from "./find-file.ts"
import { isSecret, type OptionInfo } from "./options.ts"
import { readFile } from "./read-file.ts"
import { hidden, Secret } from "./secret.ts"
import { type SectionName, type SectionValues, sections } from "./sections.ts"
import { describeIssues, show } from "./validate.ts"

/** What surrounds a process: tests give their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly folder: string
}

/** Configuration in force: an option comes before the environment, which comes before the file, then the default. */
export class Configuration {
  readonly file: FoundFile | undefined
  /** What the file says that has no meaning here. */
  readonly warnings: readonly string[]
  readonly home: string
  readonly #entries: readonly Entry[]

  constructor(
    file: FoundFile | undefined,
    home: string,
    entries: readonly Entry[],
    warnings: readonly string[],
  ) {
    this.file = file
    this.home = home
    this.#entries = entries
    this.warnings = warnings
  }

  /**
   * The options of a section with defaults filled in. Secrets are `Secret`s.
   *
   * @param given What was said in code or by a magic's flags, which comes first.
   * @param where Who takes `given`, for messages: "ServerlessExecutor".
   * @throws ConfigError naming what is wrong, and where it was read.
   */
  section<N extends SectionName>(
    name: N,
    given: object = {},
    where: string = name,
  ): Revealed<SectionValues<N>> {
    const found = this.#find(name, given)
    const raw = Object.fromEntries([...found].map(([key, { value }]) => [key, value]))
    const schema: z.ZodObject = sections[name].schema
    const parsed = schema.safeParse(raw)
    if (!parsed.success) throw problemOf(name, raw, found, parsed.error, where)
    const values: Record<string, unknown> = { ...parsed.data }
    for (const [key, option] of Object.entries(schema.shape))
      if (values[key] !== undefined && isSecret(option)) values[key] = new Secret(String(values[key]))
    return values as Revealed<SectionValues<N>>
  }

  /** Whether anything says something of this section. */
  mentions(name: SectionName): boolean {
    return this.#entries.some(({ section }) => section === name)
  }

  /** What is in force, row by row, without secrets. */
  rows(): { section: string; key: string; value: string; from: string }[] {
    return sectionNames.flatMap((section) => {
      const found = this.#find(section, {})
      return optionsIn(section).flatMap((option) => {
        const { key, default: byDefault } = option
        const unsaid = section === "cellfan" ? usual[key] : this.mentions(section) ? byDefault : undefined
        const { value, origin } = found.get(key) ?? { value: unsaid, origin: { kind: "default" } as Origin }
        if (value === undefined) return []
        return [{ section, key, value: shown(value, option), from: originText(origin) }]
      })
    })
  }

  /** What is wrong with values that have been read, also those that nothing has asked for yet. */
  problems(): string[] {
    return sectionNames.flatMap((section) => {
      const entries = this.#entries.filter((entry) => entry.section === section)
      if (entries.length === 0) return []
      const own = new Configuration(this.file, this.home, entries, [])
      try {
        own.section(section)
        return []
      } catch (error) {
        return (error as Error).message.split("\n")
      }
    })
  }

  #find(name: SectionName, given: object): Map<string, Entry> {
    const found = new Map<string, Entry>()
    const { shape } = sections[name].schema as z.ZodObject
    // From what counts least to what counts most: where it was read comes before how much it is about.
    for (const kind of ["file", "environment"])
      for (const section of [...sections[name].inherits, name])
        for (const entry of this.#entries)
          if (entry.section === section && entry.origin.kind === kind && Object.hasOwn(shape, entry.key))
            found.set(entry.key, entry)
    for (const [key, value] of Object.entries(given))
      if (value !== undefined) found.set(key, { section: name, key, value, origin: { kind: "option" } })
    return found
  }
}

/** Where everything is that nobody placed elsewhere. */
const usual: Readonly<Record<string, string>> = { mode: "localhost", storage: "localhost" }

function shown(value: unknown, { secret, secretValues }: OptionInfo): string {
  if (secret) return hidden
  if (!secretValues || typeof value !== "object" || value === null) return show(value)
  const names = Object.keys(value).map((name) => `${name}: ${hidden}`)
  return `{ ${names.join(", ")} }`
}

/** Values as they are handed on: a secret says so in its type. */
export type Revealed<T> = {
  [K in keyof T]: K extends "secretAccessKey" | "sessionToken" | "apiKey" | "natsPassword" | "natsToken"
    ? Secret | undefined
    : T[K]
}

function problemOf(
  name: SectionName,
  raw: Record<string, unknown>,
  found: ReadonlyMap<string, Entry>,
  error: z.ZodError,
  where: string,
): ConfigError {
  const schema = sections[name].schema
  const problems = describeIssues(schema, raw, error.issues, (key) => called(found.get(key), key, where))
  const messages = problems.map((problem) =>
    problem.kind === "value"
      ? problem.message
      : `${where} has no option \`${problem.key}\`${guess(problem.key, Object.keys(schema.shape))}`,
  )
  return new ConfigError(messages.join("\n"), { key: problems[0]?.key ?? "" })
}

/** How an option is called where it was read. */
function called(entry: Entry | undefined, key: string, where: string): string {
  const { origin, section } = entry ?? { origin: { kind: "option" } as Origin, section: where }
  switch (origin.kind) {
    case "environment":
      return `The environment variable ${origin.variable}`
    case "file": {
      const alias = origin.written === key ? "" : ` (\`${key}\` here)`
      return `${origin.path}, line ${origin.line}: \`${origin.written}\`${alias} of ${section}`
    }
    default:
      return `Option \`${key}\` of ${where}`
  }
}

/** Reads configuration anew. */
export function readConfiguration({ env, folder }: Surroundings): Configuration {
  const file = findFile(env, folder)
  const content = file === undefined ? { entries: [], warnings: [] } : readFile(file)
  return new Configuration(file, homeOf(env), [...content.entries, ...readEnvironment(env)], content.warnings)
}

/** For so long a file is taken as unchanged, so that a job a millisecond does not ask the file system each time. */
const freshMs = 250

let current: { stamp: string; lookedAtMs: number; file: string; configuration: Configuration } | undefined
const warned = new Set<string>()

/**
 * The configuration in force now. It is read again where the file, the environment or the working folder has changed.
 *
 * @throws ConfigError for what is wrong in it, whoever asks.
 */
export function configuration(): Configuration {
  const { env } = process
  const folder = process.cwd()
  let stamp = folder
  // Names first, then the values of ours: each value that is read costs a call into the system, and every job asks.
  for (const name of Object.keys(env)) if (isOurs(name)) stamp += `\0${name}=${env[name]}`
  const now = performance.now()
  if (current?.stamp === stamp && now - current.lookedAtMs < freshMs) return current.configuration
  const found = findFile(env, folder)
  const file = JSON.stringify([found, found && statSync(found.path).mtimeMs])
  const isSame = current?.stamp === stamp && current.file === file
  const inForce = isSame && current !== undefined ? current.configuration : readConfiguration({ env, folder })
  current = { stamp, lookedAtMs: now, file, configuration: inForce }
  warnOf(inForce)
  return inForce
}

function isOurs(variable: string): boolean {
  return variable.startsWith("CELLFAN_") || variable.startsWith("LITHOPS_CONFIG") || variable === "HOME"
}

function warnOf({ warnings }: Configuration): void {
  for (const warning of warnings) {
    if (warned.has(warning)) continue
    warned.add(warning)
    process.emitWarning(warning, { type: "ConfigWarning" })
  }
}
