import * as z from "zod"
import {
  functionExecutorOptions,
  jobOptions,
  localhostOptions,
  serverlessOptions,
  standaloneOptions,
} from "../../config/schema.ts"
import { UsageError } from "../../errors.ts"
import { expressionPart, readFlags, textPart, valueText } from "./arguments.ts"
import { aroundResult, hoistImports, readBody } from "./body.ts"
import type { Edit, Part } from "./edits.ts"
import { type CellCall, type LineCall, literal, type Magic, runtimeName } from "./magic.ts"
import { isBindingPattern, isIdentifier } from "./syntax.ts"

/** %LocalhostExecutor, %%LocalhostExecutor and their like: one executor, and one cell that runs on it. */

export interface ExecutorKind {
  readonly name: string
  readonly options: z.ZodObject
  /** Where its tasks run, for help. */
  readonly place: string
}

export const executorKinds: readonly ExecutorKind[] = [
  { name: "LocalhostExecutor", options: localhostOptions, place: "in worker processes on this machine" },
  { name: "ServerlessExecutor", options: serverlessOptions, place: "as calls of serverless functions" },
  { name: "StandaloneExecutor", options: standaloneOptions, place: "on machines of your own" },
  { name: "FunctionExecutor", options: functionExecutorOptions, place: "where --mode or $CELLFAN_MODE says" },
]

const identifier = z.string().refine(isIdentifier, "takes the name of a variable")

function lineFlags(kind: ExecutorKind) {
  return z.strictObject({
    name: identifier
      .optional()
      .describe("Variable that holds the executor (default: fexec)")
      .meta({ placeholder: "NAME", taken: "the name of a variable" }),
    ...kind.options.shape,
  })
}

function cellFlags(kind: ExecutorKind) {
  return z.strictObject({
    map: z
      .string()
      .optional()
      .describe("Runs the body once for each element of this variable or expression (default: one call)")
      .meta({ placeholder: "ITEMS", taken: "a variable or an expression" }),
    as: z
      .string()
      .refine(isBindingPattern, "takes a name, or a pattern such as { id, url }")
      .optional()
      .describe("What the element is called in the body (default: item)")
      .meta({ placeholder: "NAME", taken: "a name, or a pattern such as { id, url }" }),
    into: identifier
      .optional()
      .describe("Variable that takes the results, in the order of ITEMS (default: they are the cell's value)")
      .meta({ placeholder: "VAR", taken: "the name of a variable" }),
    reduce: z
      .string()
      .optional()
      .describe("Function that is called with the list of results; what it gives is the result")
      .meta({ placeholder: "FUNCTION", taken: "a function: a variable or an expression" }),
    ...kind.options.shape,
    ...jobOptions.shape,
  })
}

export const executorMagics: readonly Magic[] = executorKinds.map((kind) => executorMagic(kind))

function executorMagic(kind: ExecutorKind): Magic {
  const forLine = lineFlags(kind)
  const forCell = cellFlags(kind)
  return {
    name: kind.name,
    summary: `Runs tasks ${kind.place}.`,
    details: [
      "As a line it makes an executor, binds it to a variable and makes it the notebook's current one.",
      "As the first line of a cell it runs the cell's body there: once, or with `--map` as one task for each element.",
      "The value of the body's last expression is the result.",
      "In the body, `ctx` is the task's context: `ctx.index`, `ctx.signal`, `ctx.progress(fraction)`, `ctx.random()`.",
      `Without options of its own, the cell runs on the notebook's current ${kind.name}.`,
    ].join("\n"),
    line: { flags: forLine, translate: (call) => translateLine(kind, forLine, call) },
    cell: { flags: forCell, translate: (call) => translateCell(kind, forCell, call) },
  }
}

function translateLine(kind: ExecutorKind, schema: ReturnType<typeof lineFlags>, call: LineCall): Part[] {
  const owner = `%${kind.name}`
  const { name, ...options } = readFlags(schema, call.args, owner).given
  if (call.assigned !== undefined && name !== undefined)
    throw new UsageError(
      `${owner}: argument --name names a second variable beside ${call.assigned}; give one.`,
    )
  const variable = call.assigned ?? String(name ?? "fexec")
  const create = `${runtimeName}.create(${literal(kind.name)}, ${literal(options)}, ${literal(variable)})`
  return [call.assigned === undefined ? `var ${variable} = ${create}` : create]
}

function translateCell(kind: ExecutorKind, schema: ReturnType<typeof cellFlags>, call: CellCall): Edit[] {
  const owner = `%%${kind.name}`
  const { given, words } = readFlags(schema, call.args, owner)
  const expression = (key: string): Part | undefined => {
    const word = words.get(key)
    return word && expressionPart(word, `--${key}`, call, owner)
  }
  const items = expression("map")
  const reduce = expression("reduce")
  if (items === undefined) refuseWithoutMap(given, owner)
  const options = literal({
    ...(given.into === undefined ? {} : { name: given.into }),
    ...pick(given, jobOptions),
  })
  // What both take is the job's, so that it needs no executor of its own.
  const executor = pick(given, kind.options, jobOptions)
  const place = `${runtimeName}.at(${literal(kind.name)}, ${Object.keys(executor).length === 0 ? "null" : literal(executor)})`
  const body = readBody(call.code, call.end, call.bodyStart, true)
  const imports = hoistImports(call.code, body)
  const header: Part[] = [
    ...imports.parts,
    given.into === undefined ? "" : `let ${given.into} = `,
    `await ${place}`,
    ...callParts(items, reduce, options),
    ...parameterParts(items, words.get("as"), call, owner),
    ", ctx) => {",
  ]
  return [
    { start: call.start, end: call.end, parts: header },
    ...imports.edits,
    ...aroundResult(body, "return (", ")"),
    { start: body.end, end: body.end, parts: ["})"] },
  ]
}

function callParts(items: Part | undefined, reduce: Part | undefined, options: string): Part[] {
  if (items === undefined) return [`.call(${options}, async (`]
  if (reduce === undefined) return [".map(", items, `, ${options}, async (`]
  return [".mapReduce(", items, ", ", reduce, `, ${options}, async (`]
}

function parameterParts(
  items: Part | undefined,
  word: Parameters<typeof valueText>[0] | undefined,
  call: CellCall,
  owner: string,
): Part[] {
  if (items === undefined) return ["__none"]
  if (word === undefined) return ["item"]
  const text = valueText(word, call.args)
  if (/(?<![\w$.])ctx(?![\w$])/.test(text.code))
    throw new UsageError(`${owner}: argument --as takes another name than ctx, which is the task's context.`)
  return [textPart(text, call.argsStart)]
}

function refuseWithoutMap(given: Readonly<Record<string, unknown>>, owner: string): void {
  for (const key of ["as", "reduce"]) {
    if (given[key] !== undefined)
      throw new UsageError(`${owner}: argument --${key} has a meaning only with --map ITEMS.`)
  }
}

/** What was given of the options of `schema`, but for those of `except`. */
function pick(
  given: Readonly<Record<string, unknown>>,
  schema: z.ZodObject,
  except?: z.ZodObject,
): Record<string, unknown> {
  const isPicked = (key: string): boolean => key in schema.shape && !(except && key in except.shape)
  return Object.fromEntries(Object.entries(given).filter(([key]) => isPicked(key)))
}
