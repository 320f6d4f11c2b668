import type ts from "typescript"
import { PREFIX } from "./prefix.ts"
import { typescript } from "./typescript.ts"

/**
 * `declare module "x" { … }` in a cell. A cell is a module, and there it says more about a module that is there: it stays. A module
 * that is not there can be declared only in a file that is no module; so it moves to a page of its own (pages.ts), at the same place
 * in it as in the cell, so that errors have their positions, and blanks stand in the cell.
 */
export interface NamedModules {
  /** What is left of the cell. */
  readonly text: string
  /** The cell with its prefix, and blanks for all that is not moved; empty where nothing is. */
  readonly page: string
  /** Declarations by module. */
  readonly declared: ReadonlyMap<string, string>
}

export function namedModules(
  text: string,
  file: ts.SourceFile,
  isThere: (name: string) => boolean,
): NamedModules {
  const tsc = typescript()
  const declared = new Map<string, string>()
  let left = text
  let page = blank(text)
  for (const one of file.statements) {
    if (!tsc.isModuleDeclaration(one) || !tsc.isStringLiteral(one.name)) continue
    const name = one.name.text
    if (isThere(name)) continue
    const [start, end] = [one.getStart(file) - PREFIX.length, one.end - PREFIX.length]
    const declaration = text.slice(start, end)
    page = page.slice(0, start) + declaration + page.slice(end)
    left = left.slice(0, start) + blank(declaration) + left.slice(end)
    declared.set(name, [declared.get(name) ?? "", declaration].join("\n"))
  }
  return { text: left, page: declared.size === 0 ? "" : blank(PREFIX) + page, declared }
}

/** What the page says while a cell is checked: its own modules, and those that earlier cells declared. */
export function modulesPage(own: NamedModules, earlier: ReadonlyMap<string, string>): string {
  const others = [...earlier].filter(([name]) => !own.declared.has(name))
  return [own.page, ...others.map(([, declaration]) => declaration)].join("\n")
}

/** As many lines and columns of nothing. */
function blank(text: string): string {
  return text.replace(/[^\n\r]/g, " ")
}
