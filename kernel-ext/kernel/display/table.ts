import { inspect, types } from "node:util"

const MAX_ROWS = 50
const MAX_COLUMNS = 30
const MAX_CELL_LENGTH = 100

type Row = Readonly<Record<string, unknown>>

/** An array of plain objects as a table, in HTML and in text. */
export function tableData(value: readonly unknown[]): Record<string, unknown> | undefined {
  if (value.length === 0 || !value.every(isRow)) return undefined
  const rows = value.slice(0, MAX_ROWS)
  const all = columnsOf(value)
  const columns = all.slice(0, MAX_COLUMNS)
  if (columns.length === 0) return undefined
  const cells = rows.map((row) => columns.map((column) => (column in row ? cellText(row[column]) : "")))
  const numeric = columns.map((column) => rows.every((row) => isNumeric(row[column])))
  const note = noteOf(value.length, all.length)
  return {
    "text/html": html(columns, cells, numeric, note),
    "text/plain": plain(columns, cells, numeric, note),
  }
}

function isRow(value: unknown): value is Row {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Columns of all rows, in the order in which they first appear. */
function columnsOf(rows: readonly Row[]): string[] {
  const names = new Set<string>()
  for (const row of rows) for (const name of Object.keys(row)) names.add(name)
  return [...names]
}

function isNumeric(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint" || value === undefined || value === null
}

function cellText(value: unknown): string {
  const text = wordsOf(value)
  const line = text.replace(/\s*\n\s*/g, " ")
  return line.length > MAX_CELL_LENGTH ? `${line.slice(0, MAX_CELL_LENGTH)}…` : line
}

function wordsOf(value: unknown): string {
  if (typeof value === "string") return value
  // Its stack would be all that is seen of it.
  if (types.isNativeError(value)) return `${value.name}: ${value.message}`
  return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
}

function noteOf(rows: number, columns: number): string {
  const size = `${count(rows, "row")} × ${count(columns, "column")}`
  const shown = [
    ...(rows > MAX_ROWS ? [`the first ${MAX_ROWS} rows`] : []),
    ...(columns > MAX_COLUMNS ? [`the first ${MAX_COLUMNS} columns`] : []),
  ]
  return shown.length === 0 ? size : `${size}; ${shown.join(" and ")} shown`
}

function count(number: number, noun: string): string {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`
}

function html(
  columns: readonly string[],
  cells: readonly (readonly string[])[],
  numeric: readonly boolean[],
  note: string,
): string {
  const align = (index: number) =>
    numeric[index] ? ' style="text-align: right"' : ' style="text-align: left"'
  const head = columns.map((name, index) => `<th${align(index)}>${escapeHtml(name)}</th>`).join("")
  const body = cells
    .map(
      (row) => `<tr>${row.map((text, index) => `<td${align(index)}>${escapeHtml(text)}</td>`).join("")}</tr>`,
    )
    .join("\n")
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>\n<p>${escapeHtml(note)}</p>`
}

function plain(
  columns: readonly string[],
  cells: readonly (readonly string[])[],
  numeric: readonly boolean[],
  note: string,
): string {
  const widths = columns.map((name, index) =>
    Math.max(name.length, ...cells.map((row) => row[index]?.length ?? 0)),
  )
  const line = (row: readonly string[]) =>
    row
      .map((text, index) =>
        numeric[index] ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0),
      )
      .join("  ")
      .trimEnd()
  const rule = widths.map((width) => "─".repeat(width)).join("  ")
  return [line(columns), rule, ...cells.map(line), "", note].join("\n")
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;")
}
