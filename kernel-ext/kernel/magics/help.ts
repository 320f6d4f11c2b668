import { flagsOf } from "../../config/flags.ts"
import type { DisplayBundle } from "../types.ts"
import { readNothing } from "./arguments.ts"
import { type CellMagic, type LineMagic, type Magic, type Notebook, runtimeName } from "./magic.ts"
import { cellNames, lineNames } from "./transform.ts"

/** %lsmagic, and what `%NAME?` shows: all of it is read from the magics' own descriptions and schemas. */

export const helpMagics: readonly Magic[] = [
  {
    name: "lsmagic",
    summary: "Lists the magics.",
    details: "`%NAME?` tells of one of them.",
    line: {
      translate({ args }) {
        readNothing(args, "%lsmagic")
        return [`${runtimeName}.lsmagic()`]
      },
    },
  },
]

export const helpDeclarations = `
  lsmagic(): void
  help(name: string): void
  inspect(expression: string, detail: 0 | 1): void`

export function listOfMagics(notebook: Notebook): DisplayBundle {
  const lines = lineNames(notebook).toSorted()
  const cells = cellNames(notebook).toSorted()
  const text = [
    "Available line magics:",
    lines.map((name) => `%${name}`).join("  "),
    "",
    "Available cell magics:",
    cells.map((name) => `%%${name}`).join("  "),
    "",
    "%NAME? tells of one.",
  ]
  const all = [...notebook.magics.values()]
  const row = (magic: Magic, mark: string): string => `| \`${mark}${magic.name}\` | ${magic.summary} |`
  const markdown = [
    "| Line magic | |",
    "|---|---|",
    ...all.filter((magic) => magic.line).map((magic) => row(magic, "%")),
    "",
    "| Cell magic | |",
    "|---|---|",
    ...all.filter((magic) => magic.cell).map((magic) => row(magic, "%%")),
    "",
    "`%NAME?` tells of one.",
  ]
  return { data: { "text/plain": text.join("\n"), "text/markdown": markdown.join("\n") } }
}

export function helpFor(magic: Magic): DisplayBundle {
  const forms = [
    ...(magic.line ? [{ mark: "%", form: magic.line }] : []),
    ...(magic.cell ? [{ mark: "%%", form: magic.cell }] : []),
  ]
  const plain = [magic.summary, ...(magic.details?.replaceAll("`", "").split("\n") ?? [])]
  const markdown = [`**${magic.name}** — ${magic.summary}`, "", ...(magic.details?.split("\n") ?? [])]
  for (const { mark, form } of forms) {
    const flags = flagLines(form)
    plain.push("", usage(magic.name, mark, form), ...alignColumns(flags))
    markdown.push("", "```", usage(magic.name, mark, form), "```")
    if (flags.length > 0)
      markdown.push(
        "",
        "| Flag | |",
        "|---|---|",
        ...flags.map(([flag, text]) => `| \`${flag.replaceAll("|", "\\|")}\` | ${text} |`),
      )
  }
  return { data: { "text/plain": plain.join("\n"), "text/markdown": markdown.join("\n") } }
}

function usage(name: string, mark: string, form: LineMagic | CellMagic): string {
  const flags = form.flags === undefined ? "" : " [flags]"
  const words = form.words === undefined ? "" : ` ${form.words}`
  return `${mark}${name}${words}${flags}${mark === "%%" ? "\nbody" : ""}`
}

/** Each flag as typed, and what it does. */
function flagLines(form: LineMagic | CellMagic): [string, string][] {
  if (form.flags === undefined) return []
  return flagsOf(form.flags).map(({ name, placeholder, option }) => {
    const typed = placeholder === "" ? `${name}, --no-${name.slice(2)}` : `${name} ${placeholder}`
    const isPlain = option.default === undefined || typeof option.default === "object"
    const byDefault = isPlain ? "" : ` (default: ${option.default})`
    const taken = option.kind === "integer" || option.kind === "number" ? ` Takes ${option.taken}.` : ""
    return [typed, `${option.description}${byDefault}.${taken}`]
  })
}

function alignColumns(rows: readonly [string, string][]): string[] {
  const width = Math.max(0, ...rows.map(([first]) => first.length))
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`)
}
