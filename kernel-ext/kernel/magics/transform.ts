import { UsageError } from "../../errors.ts"
import { nearest } from "../../util/nearest.ts"
import type { MagicTransform } from "../types.ts"
import { readBody } from "./body.ts"
import type { FoundMagic } from "./classify.ts"
import { applyEdits, compose, type Edit, type Part, unchanged } from "./edits.ts"
import { type FoundCellMagic, findCellMagic, findLineMagics } from "./find.ts"
import { hintFor, shellHint } from "./hints.ts"
import { literal, type Magic, type Notebook, runtimeName } from "./magic.ts"
import { isIdentifier } from "./syntax.ts"

/**
 * A cell with magics as TypeScript. Lines keep their numbers, and in all but few lines also their columns.
 *
 * @throws UsageError where a magic is used wrongly.
 */
export function transformCell(code: string, notebook: Notebook): MagicTransform {
  return transform(code, notebook, false)
}

/** The same for a cell that is still being typed: a magic that is not right yet stands for nothing. Never throws. */
export function transformUnfinishedCell(code: string, notebook: Notebook): MagicTransform {
  return transform(code, notebook, true)
}

function transform(code: string, notebook: Notebook, unfinished: boolean): MagicTransform {
  const cell = findCellMagic(code)
  if (cell === undefined) return transformLines(code, notebook, unfinished)
  try {
    return transformCellMagic(code, cell, notebook, unfinished)
  } catch (error) {
    if (!unfinished || !(error instanceof UsageError)) throw error
    return applyEdits(code, unfinishedBody(code, cell))
  }
}

function transformLines(code: string, notebook: Notebook, unfinished: boolean): MagicTransform {
  const found = findLineMagics(code, notebook)
  if (found.length === 0) return unchanged(code)
  const translate = (magic: FoundMagic): readonly Part[] => {
    try {
      return translateLine(code, magic, notebook)
    } catch (error) {
      if (!unfinished || !(error instanceof UsageError)) throw error
      return [magic.assigned === undefined ? "" : "undefined as any"]
    }
  }
  const edits = found.flatMap((magic): Edit[] => {
    const { start, end, declareAt } = magic
    const edit = { start, end, parts: [...translate(magic), lineBreaks(code.slice(start, end))] }
    return declareAt === undefined ? [edit] : [{ start: declareAt, end: declareAt, parts: ["var "] }, edit]
  })
  return applyEdits(code, edits)
}

/** The body of a cell magic whose own line is not right yet, within a function of any element. */
function unfinishedBody(code: string, { start, end, args, bodyStart }: FoundCellMagic): Edit[] {
  const typed = /--as[ =]+(\S+)/.exec(args)?.[1] ?? "item"
  const element = isIdentifier(typed) ? typed : "item"
  const close = readBody(code, end, bodyStart, true).end
  const header = `(async (${element}: any, ctx: import("cellfan").TaskContext) => {${lineBreaks(code.slice(start, end))}`
  return [
    { start, end, parts: [header] },
    { start: close, end: close, parts: ["})"] },
  ]
}

function translateLine(code: string, found: FoundMagic, notebook: Notebook): readonly Part[] {
  if (found.kind === "shell") throw new UsageError(shellHint(found.name))
  // It takes the rest of its line, whatever the next one begins with.
  const end = ";"
  if (found.kind === "inspect")
    return [`${runtimeName}.inspect(${literal(found.name)}, ${found.mark.length - 1})${end}`]
  if (found.kind === "help") return [helpCall(found.name, notebook), end]
  if (found.mark === "%%")
    throw new UsageError(
      `Cell magic \`%%${found.name}\` takes the whole cell: put it on the first line of a cell of its own.`,
    )
  const magic = notebook.magics.get(found.name)
  if (magic?.line === undefined) throw new UsageError(noLineMagic(found.name, magic, notebook))
  if (wantsHelp(found.args)) return [helpCall(found.name, notebook), end]
  const { args, argsStart, assigned, nesting } = found
  const canAwait = nesting !== "sync"
  return [...magic.line.translate({ notebook, code, args, argsStart, assigned, canAwait }), end]
}

function transformCellMagic(
  code: string,
  found: FoundCellMagic,
  notebook: Notebook,
  unfinished: boolean,
): MagicTransform {
  const { name, args, argsStart, start, end, bodyStart } = found
  if (found.help || wantsHelp(args))
    return applyEdits(code, [{ start, end, parts: [`${helpCall(name, notebook)};`] }])
  const magic = notebook.magics.get(name)
  if (magic?.cell === undefined) throw new UsageError(noCellMagic(name, magic, notebook))
  if (code.slice(bodyStart).trim() === "") throw new UsageError(emptyBody(magic))
  if (!magic.cell.runsHere && !unfinished) refuseMagics(code, found, notebook)
  const inner = magic.cell.runsHere ? transformBody(code, bodyStart, notebook, unfinished) : unchanged(code)
  const call = { notebook, code: inner.code, args, argsStart, start, end, bodyStart }
  const edits = magic.cell.translate(call)
  return compose(inner, applyEdits(inner.code, keepLines(edits, inner.code, start, end)))
}

/** A body that runs in a worker cannot have what concerns the notebook. */
function refuseMagics(code: string, { name, bodyStart }: FoundCellMagic, notebook: Notebook): void {
  const [first] = findLineMagics(code, notebook, bodyStart)
  if (first === undefined) return
  const line = code.slice(first.start, first.end).trim()
  throw new UsageError(
    `The body of %%${name} runs in a worker, and \`${line}\` is for the notebook: put it in a cell of its own.`,
  )
}

/** The body as a cell of its own, behind the line of its magic, which stays as it is. */
function transformBody(
  code: string,
  bodyStart: number,
  notebook: Notebook,
  unfinished: boolean,
): MagicTransform {
  const body = transform(code.slice(bodyStart), notebook, unfinished)
  return {
    code: code.slice(0, bodyStart) + body.code,
    typed: code,
    toTyped: (offset) => (offset < bodyStart ? offset : bodyStart + body.toTyped(offset - bodyStart)),
    toCode: (offset) => (offset < bodyStart ? offset : bodyStart + body.toCode(offset - bodyStart)),
  }
}

/** A magic's line that went on over several keeps their number. */
function keepLines(edits: readonly Edit[], code: string, start: number, end: number): readonly Edit[] {
  return edits.map((edit) =>
    edit.start === start ? { ...edit, parts: [...edit.parts, lineBreaks(code.slice(start, end))] } : edit,
  )
}

function lineBreaks(text: string): string {
  return text.replaceAll(/[^\n]/g, "")
}

function wantsHelp(args: string): boolean {
  return /^\s*(--help|-h)\s*;?\s*$/.test(args)
}

function helpCall(name: string, notebook: Notebook): string {
  if (!notebook.magics.has(name)) throw new UsageError(noLineMagic(name, undefined, notebook))
  return `${runtimeName}.help(${literal(name)})`
}

function emptyBody(magic: Magic): string {
  const message = `%%${magic.name} is a cell magic, but the cell body is empty.`
  return magic.line === undefined
    ? message
    : `${message} Did you mean the line magic %${magic.name} (single %)?`
}

function noLineMagic(name: string, magic: Magic | undefined, notebook: Notebook): string {
  const message = `Line magic function \`%${name}\` not found`
  if (magic?.cell !== undefined)
    return `${message} (But cell magic \`%%${name}\` exists, did you mean that instead?).`
  const hint = hintFor(name)
  if (hint !== undefined) return `${message}. ${hint}`
  const near = nearest(name, lineNames(notebook))
  return near === undefined
    ? `${message}. %lsmagic lists them all.`
    : `${message}. Did you mean \`%${near}\`?`
}

function noCellMagic(name: string, magic: Magic | undefined, notebook: Notebook): string {
  const message = `Cell magic \`%%${name}\` not found`
  if (magic?.line !== undefined)
    return `${message} (But line magic \`%${name}\` exists, did you mean that instead?).`
  const hint = hintFor(name)
  if (hint !== undefined) return `${message}. ${hint}`
  const near = nearest(name, cellNames(notebook))
  return near === undefined
    ? `${message}. %lsmagic lists them all.`
    : `${message}. Did you mean \`%%${near}\`?`
}

export function lineNames(notebook: Notebook): string[] {
  return [...notebook.magics.values()].filter((magic) => magic.line).map((magic) => magic.name)
}

export function cellNames(notebook: Notebook): string[] {
  return [...notebook.magics.values()].filter((magic) => magic.cell).map((magic) => magic.name)
}
