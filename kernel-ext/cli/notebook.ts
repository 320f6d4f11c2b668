import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { isRecord } from "../kernel/wire.ts"
import { KernelProcess, type Told } from "./kernel-process.ts"

/** A code cell, and what it gave. */
export interface CodeCell {
  /** Its place among all cells, from 1, as people count. */
  readonly number: number
  readonly code: string
  readonly tags: readonly string[]
  readonly outputs: readonly Output[]
}

/** An output as the notebook format has it. */
export type Output =
  | { readonly output_type: "stream"; readonly name: string; readonly text: string }
  | {
      readonly output_type: "execute_result" | "display_data"
      readonly data: Readonly<Record<string, unknown>>
      readonly metadata: Readonly<Record<string, unknown>>
    }
  | { readonly output_type: "error"; readonly ename: string; readonly evalue: string }

/** @throws Error where the file is no notebook. */
export function readNotebook(file: string): CodeCell[] {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, "utf8"))
  } catch (cause) {
    throw new Error(`${file} cannot be read as a notebook: ${(cause as Error).message}`, { cause })
  }
  if (!isRecord(content) || !Array.isArray(content.cells) || Number(content.nbformat) < 4)
    throw new Error(`${file} is no notebook of format 4: it has no list of cells.`)
  return content.cells.flatMap((cell: unknown, i): CodeCell[] => {
    if (!isRecord(cell) || cell.cell_type !== "code") return []
    const tags =
      isRecord(cell.metadata) && Array.isArray(cell.metadata.tags) ? cell.metadata.tags.map(String) : []
    const outputs = Array.isArray(cell.outputs) ? cell.outputs.flatMap(outputOf) : []
    return [{ number: i + 1, code: joined(cell.source), tags, outputs: merged(outputs) }]
  })
}

/** Runs the cells in order in a new kernel, in the notebook's folder. */
export async function runNotebook(file: string, cells: readonly CodeCell[]): Promise<CodeCell[]> {
  await using kernel = await KernelProcess.start(dirname(resolve(file)))
  const outputs = cells.map((): Output[] => [])
  const displays = new Map<string, { cell: number; at: number }>()
  for (const [i, { code }] of cells.entries()) {
    const own = outputs[i] as Output[]
    await kernel.execute(code, (told) => collect(told, i, own, outputs, displays))
  }
  return cells.map((cell, i) => ({ ...cell, outputs: merged(outputs[i] ?? []) }))
}

/** What comes while a cell runs is its own, but for updates of what earlier ones show. */
function collect(
  { type, content }: Told,
  cell: number,
  own: Output[],
  all: readonly Output[][],
  displays: Map<string, { cell: number; at: number }>,
): void {
  if (type === "clear_output") own.length = 0
  const transient = isRecord(content.transient) ? content.transient : {}
  const id = typeof transient.display_id === "string" ? transient.display_id : undefined
  const [output] = outputOf({
    ...content,
    output_type: type === "update_display_data" ? "display_data" : type,
  })
  if (output === undefined) return
  if (type === "update_display_data") {
    const known = displays.get(id ?? "")
    if (known !== undefined) (all[known.cell] ?? [])[known.at] = output
    return
  }
  if (id !== undefined) displays.set(id, { cell, at: own.length })
  own.push(output)
}

function outputOf(value: unknown): Output[] {
  if (!isRecord(value)) return []
  const data = isRecord(value.data) ? value.data : {}
  const metadata = isRecord(value.metadata) ? value.metadata : {}
  switch (value.output_type) {
    case "stream":
      return [{ output_type: "stream", name: String(value.name), text: joined(value.text) }]
    case "execute_result":
    case "display_data":
      return [{ output_type: value.output_type, data, metadata }]
    case "error":
      return [{ output_type: "error", ename: String(value.ename), evalue: String(value.evalue) }]
    default:
      return []
  }
}

/** Text that came in pieces is one output of its stream, wherever the pieces were cut. */
function merged(outputs: readonly Output[]): Output[] {
  const whole: Output[] = []
  for (const output of outputs) {
    const same =
      output.output_type === "stream"
        ? whole.findIndex((o) => o.output_type === "stream" && o.name === output.name)
        : -1
    const before = whole[same]
    if (before?.output_type === "stream" && output.output_type === "stream")
      whole[same] = { ...before, text: before.text + output.text }
    else whole.push(output)
  }
  return whole
}

/** The notebook format keeps texts as lists of lines. */
export function joined(text: unknown): string {
  return Array.isArray(text) ? text.join("") : String(text ?? "")
}
