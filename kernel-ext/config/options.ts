import * as z from "zod"
import { inWords } from "../util/in-words.ts"

/**
 * Configuration: every option comes from one zod schema, and all that is said about it is read from there.
 *
 *     schema.ts     the schemas of what is passed in code
 *     sections.ts   the sections of a configuration file, and what they are called in Lithops'
 *     options.ts    what a schema says of each option: kind, what it takes, default, documentation
 *     validate.ts   parseOptions: an object of options, or an error that names key, value and what is taken
 *     flags.ts      the same options as flags: --timeout-ms 500, --no-fail-fast, --env KEY=VALUE
 *     words.ts      an argument string into words, with quotes
 *     load.ts       what is in force: option > magic flag > environment > file > default
 *     find-file.ts  which configuration file there is
 *     read-file.ts  its values, each with its line; environment.ts those of the environment
 *     lithops.ts    keys and sections of Lithops' that have no meaning here
 *     problems.ts   what is wrong with a value, and where it was read
 *     secret.ts     a value that nothing prints
 *     storage.ts    Storage and storage: object storage as configured (storage-sections.ts: what its sections say)
 *     serverless/   options of serverless platforms, a file for each
 */

/** What a schema says of one option. */
export interface OptionInfo {
  /** As in code: `timeoutMs`. */
  readonly key: string
  readonly kind: "integer" | "number" | "boolean" | "string" | "record" | "list" | "opaque"
  /** As TypeScript: `number`, `"a" | "b"`; `unknown` for what has no text form. */
  readonly type: string
  /** For people: "an integer from 1 to 1024". */
  readonly taken: string
  /** The only values there are, where they can be listed. */
  readonly values: readonly string[] | undefined
  /** Undefined where the schema has none. */
  readonly default: unknown
  readonly required: boolean
  readonly description: string
  /** What stands for its value in help: `ITEMS`. */
  readonly placeholder: string | undefined
  /** Keys of a record whose values are lists of texts. */
  readonly lists: readonly string[]
  /** Whether its value is never to be shown. */
  readonly secret: boolean
  /** Whether the values of a record are never to be shown; its names are. */
  readonly secretValues: boolean
  /** What Lithops calls it in its configuration, where the meaning is the same. */
  readonly lithops: LithopsKey | undefined
}

export interface LithopsKey {
  readonly key: string
  /** Units of ours in one of Lithops': 1000 for what it counts in seconds and we in milliseconds. */
  readonly factor: number
}

const known = new WeakMap<z.ZodObject, readonly OptionInfo[]>()

/** The options of a schema, in its order. */
export function optionsOf(schema: z.ZodObject): readonly OptionInfo[] {
  let options = known.get(schema)
  if (options === undefined) {
    options = readOptions(schema)
    known.set(schema, options)
  }
  return options
}

/** Known without reading the whole schema, which every start of an executor would pay for. */
export function isSecret(option: z.core.$ZodType): boolean {
  return z.globalRegistry.get(option)?.secret === true
}

/** The part of JSON Schema that options need. */
interface Shape {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Shape[]
  readonly items?: Shape
  readonly additionalProperties?: Shape | boolean
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly properties?: Readonly<Record<string, Shape>>
  readonly required?: readonly string[]
  /** From `.meta({ placeholder, taken })`, where a text is more than a text. */
  readonly placeholder?: string
  readonly taken?: string
  /** From `.meta({ secret: true, lithops: "runtime_timeout", factor: 1000 })`. */
  readonly secret?: boolean
  readonly secretValues?: boolean
  readonly lithops?: string
  readonly factor?: number
}

function readOptions(schema: z.ZodObject): OptionInfo[] {
  // What has no JSON form (an AbortSignal, a function) becomes `{}` and is an option without a flag.
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape
  return Object.entries(json.properties ?? {}).map(([key, shape]) => ({
    key,
    kind: kindOf(shape),
    type: typeOf(shape),
    taken: shape.taken ?? takenBy(shape),
    values: valuesOf(shape),
    default: shape.default,
    required: json.required?.includes(key) ?? false,
    description: shape.description ?? "",
    placeholder: shape.placeholder,
    lists: Object.entries(shape.properties ?? {}).flatMap(([name, { type }]) =>
      type === "array" ? [name] : [],
    ),
    secret: shape.secret ?? false,
    secretValues: shape.secretValues ?? false,
    lithops: shape.lithops === undefined ? undefined : { key: shape.lithops, factor: shape.factor ?? 1 },
  }))
}

function kindOf(shape: Shape): OptionInfo["kind"] {
  switch (shape.type) {
    case "integer":
    case "number":
    case "boolean":
    case "string":
      return shape.type
    case "array":
      return "list"
    case "object":
      return "record"
    default:
      // A choice between types, such as `number | "auto"`, is read from its words.
      return valuesOf(shape) !== undefined || shape.anyOf !== undefined ? "string" : "opaque"
  }
}

function typeOf(shape: Shape): string {
  if (shape.anyOf !== undefined) return shape.anyOf.map(typeOf).join(" | ")
  if (shape.const !== undefined) return JSON.stringify(shape.const)
  if (shape.enum !== undefined) return shape.enum.map((value) => JSON.stringify(value)).join(" | ")
  switch (shape.type) {
    case "integer":
      return "number"
    case "number":
    case "boolean":
    case "string":
      return shape.type
    case "array":
      return `(${typeOf(shape.items ?? {})})[]`
    case "object":
      if (shape.properties !== undefined) return fieldsOf(shape.properties)
      return `Record<string, ${typeof shape.additionalProperties === "object" ? typeOf(shape.additionalProperties) : "unknown"}>`
    default:
      return "unknown"
  }
}

function fieldsOf(properties: Readonly<Record<string, Shape>>): string {
  const fields = Object.entries(properties).map(([key, shape]) => `${key}?: ${typeOf(shape)} | undefined`)
  return `{ ${fields.join("; ")} }`
}

function valuesOf(shape: Shape): readonly string[] | undefined {
  if (shape.type === "boolean") return ["true", "false"]
  if (shape.const !== undefined) return [String(shape.const)]
  return shape.enum?.map(String)
}

/** What a value of this shape may be, in words that follow "takes". */
function takenBy(shape: Shape): string {
  if (shape.anyOf !== undefined) return shape.anyOf.map(takenBy).join(", or ")
  const values = valuesOf(shape)
  if (values !== undefined) return inWords(shape.type === "boolean" ? values : values.map((v) => `"${v}"`))
  switch (shape.type) {
    case "integer":
      return `an integer${range(shape)}`
    case "number":
      return `a number${range(shape)}`
    case "string":
      return (shape.minLength ?? 0) > 0 ? "a text that is not empty" : "a text"
    case "array":
      return shape.items?.type === "string" ? "a list of texts" : "a list"
    case "object":
      return 'an object of texts, such as { KEY: "value" }'
    default:
      return "a value of its own type"
  }
}

function range(shape: Shape): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = shape
  const low = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`
  const parts = []
  if (low !== undefined) parts.push(`of at least ${low}`)
  if (exclusiveMinimum !== undefined) parts.push(`above ${exclusiveMinimum}`)
  if (high !== undefined) parts.push(`of at most ${high}`)
  if (exclusiveMaximum !== undefined) parts.push(`below ${exclusiveMaximum}`)
  return parts.length === 0 ? "" : ` ${parts.join(" and ")}`
}
