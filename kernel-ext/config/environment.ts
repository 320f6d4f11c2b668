import { ConfigError } from "../errors.ts"
import { nearest } from "../util/nearest.ts"
import { type Entry, guess, optionsIn, sectionNames, variableOf } from "./entries.ts"
import type { OptionInfo } from "./options.ts"
import { splitList } from "./words.ts"

const prefix = "CELLFAN_"

/** Variables that begin as ours do and are no options. */
const others = /^CELLFAN_(CONFIG_FILE|SIBLINGS|TEST_ALL|TEST_AWS|PYTHON|CHROMIUM|SOAK|BENCH\w*)$/

/**
 * Values that environment variables give: CELLFAN_MODE, CELLFAN_AWS_S3_BUCKET.
 *
 * @throws ConfigError for a variable of one of our sections that has no such option.
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Entry[] {
  const entries: Entry[] = []
  const known = new Set<string>()
  const ours = Object.keys(env).filter((variable) => variable.startsWith(prefix))
  // Mostly there are none, and listing all options of all sections takes as long as starting a process.
  if (!ours.some((variable) => !others.test(variable))) return entries
  for (const section of sectionNames) {
    for (const option of optionsIn(section)) {
      const variable = variableOf(section, option.key)
      known.add(variable)
      const text = env[variable]
      if (text === undefined || text === "" || option.kind === "opaque") continue
      entries.push({
        section,
        key: option.key,
        value: readText(text, option),
        origin: { kind: "environment", variable },
      })
    }
  }
  for (const variable of ours) refuseUnknown(variable, known)
  return entries
}

/** Variables of a section are meant for us, and those that are nearly ours; any other may be anybody's. */
function refuseUnknown(variable: string, known: ReadonlySet<string>): void {
  if (known.has(variable) || others.test(variable)) return
  const isOurs = sectionNames.some(
    (section) => section !== "cellfan" && variable.startsWith(`CELLFAN_${section.toUpperCase()}_`),
  )
  if (!isOurs && !isNearlyOurs(variable)) return
  const message = `The environment variable ${variable} is no option${guess(variable, known)}`
  throw new ConfigError(message, { key: variable })
}

/** CELLFAN_MOED, and not CELLFAN_MODEL_PATH. */
function isNearlyOurs(variable: string): boolean {
  const names = optionsIn("cellfan").map(({ key }) => variableOf("cellfan", key).slice(prefix.length))
  const typed = variable.slice(prefix.length)
  const near = nearest(typed, names)
  return near !== undefined && Math.abs(near.length - typed.length) <= 2
}

/** The text as what the schema takes; where it is nothing of the kind, as it is, so that the schema says what it takes. */
function readText(text: string, { kind }: OptionInfo): unknown {
  switch (kind) {
    case "integer":
    case "number":
      return /^[+-]?[\d_]*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text.replaceAll("_", "")) : text
    case "boolean":
      return { true: true, "1": true, false: false, "0": false }[text.toLowerCase()] ?? text
    case "list":
      return splitList(text)
    case "record":
      return recordOf(text)
    default:
      return text
  }
}

/** `A=1,B=2` */
function recordOf(text: string): unknown {
  const pairs = splitList(text).map((pair) => /^([^=]+)=(.*)$/s.exec(pair))
  return pairs.every((pair) => pair !== null)
    ? Object.fromEntries(pairs.map(([, key, value]) => [key, value]))
    : text
}
