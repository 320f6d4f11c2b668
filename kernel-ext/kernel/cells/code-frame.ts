/**
 * ANSI colours that can be read on the ground that Jupyter's front ends give to errors, in light and dark themes: grey
 * vanishes on the dark one, cyan on the light one.
 */
export const colour = {
  red: (text: string) => `\u001b[0;31m${text}\u001b[0m`,
  green: (text: string) => `\u001b[0;32m${text}\u001b[0m`,
  bold: (text: string) => `\u001b[1m${text}\u001b[0m`,
}

const LINES_AROUND = 2
const MAX_WIDTH = 200

/** The lines around a position (line from 1, column from 0), with a mark under the `length` characters that begin there. */
export function codeFrame(text: string, line: number, column: number, length = 1): string {
  const lines = text.split("\n")
  const first = Math.max(1, line - LINES_AROUND)
  const last = Math.min(lines.length, line + LINES_AROUND)
  const digits = String(last).length
  const shown: string[] = []
  for (let number = first; number <= last; number++) {
    const content = (lines[number - 1] ?? "").slice(0, MAX_WIDTH)
    const gutter = `${String(number).padStart(digits)} | `
    if (number !== line) {
      shown.push(`  ${gutter}${content}`)
      continue
    }
    shown.push(`${colour.red(">")} ${colour.green(gutter)}${content}`)
    if (column >= MAX_WIDTH) continue
    const marks = Math.max(1, Math.min(length, content.length - column))
    // Tabs stay tabs, so that the mark stands under its place whatever their width.
    const indent = content.slice(0, column).replace(/[^\t]/g, " ").padEnd(column)
    shown.push(`  ${" ".repeat(digits)} | ${indent}${colour.red("^".repeat(marks))}`)
  }
  return shown.join("\n")
}
