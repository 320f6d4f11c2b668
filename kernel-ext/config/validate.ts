import { inspect } from "node:util"
import type * as z from "zod"
import { ConfigError } from "../errors.ts"
import { inWords } from "../util/in-words.ts"
import { nearest } from "../util/nearest.ts"
import { type OptionInfo, optionsOf } from "./options.ts"
import { hidden } from "./secret.ts"

/**
 * Options with defaults filled in.
 *
 * @param where What the options are for, as people call it: "LocalhostExecutor", "map".
 * @throws ConfigError naming each wrong option: what it got, what is taken, and the nearest right name.
 *
 * @example
 * ```ts
 * parseOptions(localhostOptions, { wokers: 4 }, "LocalhostExecutor")
 * // ConfigError: LocalhostExecutor has no option `wokers`; did you mean `workers`? It takes `workers`.
 * ```
 */
export function parseOptions<S extends z.ZodObject>(schema: S, value: unknown, where: string): z.output<S> {
  const parsed = schema.safeParse(value ?? {})
  if (parsed.success) return parsed.data
  const problems = describeIssues(
    schema,
    value,
    parsed.error.issues,
    (key) => `Option \`${key}\` of ${where}`,
  )
  const unknown = problems.find((problem) => problem.kind === "unknown")
  const messages = problems.map((problem) => {
    if (problem.kind === "shape") return `${where} takes an object of options, but got ${show(value)}.`
    if (problem.kind === "value") return problem.message
    return unknownOption(schema, problem.key, where)
  })
  const key = (unknown ?? problems[0])?.key ?? ""
  throw new ConfigError(messages.join("\n"), { key })
}

/** One thing wrong with an object of options. */
export type OptionProblem =
  | { readonly kind: "unknown"; readonly key: string }
  | { readonly kind: "value"; readonly key: string; readonly message: string }
  | { readonly kind: "shape"; readonly key: "" }

type Issue = z.core.$ZodIssue

/** zod's issues in our words; `name` says how an option is called where it was read (option, flag, line of a file). */
export function describeIssues(
  schema: z.ZodObject,
  value: unknown,
  issues: readonly Issue[],
  name: (key: string) => string,
): OptionProblem[] {
  const options = new Map(optionsOf(schema).map((option) => [option.key, option]))
  return issues.flatMap((issue): OptionProblem[] => {
    if (issue.code === "unrecognized_keys" && issue.path.length === 0)
      return issue.keys.map((key) => ({ kind: "unknown", key }))
    const key = issue.path[0]
    if (key === undefined) return [{ kind: "shape", key: "" }]
    return [{ kind: "value", key: String(key), message: valueMessage(options, issue, value, name) }]
  })
}

function valueMessage(
  options: ReadonlyMap<string, OptionInfo>,
  issue: Issue,
  value: unknown,
  name: (key: string) => string,
): string {
  const key = String(issue.path[0])
  const inner = issue.path.slice(1).join(".")
  const got = issue.path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown>)?.[part], value)
  const option = options.get(key)
  const isSecret = option?.secret === true || (option?.secretValues === true && inner !== "")
  const shown = isSecret ? "a value that is not shown" : show(got)
  const found = inner === "" ? `got ${shown}` : `its \`${inner}\` is ${shown}`
  // An option without a JSON form says in its own schema what it takes.
  if (option === undefined || option.kind === "opaque" || issue.code === "custom")
    return `${name(key)}${issue.message.startsWith("takes ") ? "" : ":"} ${issue.message}, but ${found}.`
  const near = typeof got === "string" && option.values ? nearest(got, option.values) : undefined
  const guess = near === undefined ? "" : ` Did you mean "${near}"?`
  return `${name(key)} takes ${option.taken}, but ${found}.${guess}`
}

function unknownOption(schema: z.ZodObject, key: string, where: string): string {
  const keys = optionsOf(schema).map((option) => option.key)
  const near = nearest(key, keys)
  const guess = near === undefined ? "." : `; did you mean \`${near}\`?`
  const all =
    keys.length === 0
      ? "It takes no options."
      : `It takes ${inWords(
          keys.map((k) => `\`${k}\``),
          "and",
        )}.`
  return `${where} has no option \`${key}\`${guess} ${all}`
}

/** A value in one short line. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing"
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`
  const text = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 60,
    maxArrayLength: 5,
  })
  const bare = withoutPasswords(text)
  return bare.length > 80 ? `${bare.slice(0, 79)}…` : bare
}

/** What is meant as an address may hold a password, whether it is a URL or not. */
function withoutPasswords(text: string): string {
  return text.replaceAll(/[^\s/:@'"]+:[^\s/@'"]+@/g, `${hidden}@`)
}
