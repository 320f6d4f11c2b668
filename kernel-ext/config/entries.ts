import { nearest } from "../util/nearest.ts"
import { flagsOf, kebab } from "./flags.ts"
import type { OptionInfo } from "./options.ts"
import { optionsOf } from "./options.ts"
import { type SectionName, sections } from "./sections.ts"

/** Where a value was read. */
export type Origin =
  | { readonly kind: "option" }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "file"; readonly path: string; readonly line: number; readonly written: string }
  | { readonly kind: "default" }

/** One value that was found, as our option and in its units. */
export interface Entry {
  readonly section: SectionName
  readonly key: string
  readonly value: unknown
  readonly origin: Origin
}

export const sectionNames = Object.keys(sections) as SectionName[]

export function isSection(name: string): name is SectionName {
  return name in sections
}

export function optionsIn(section: SectionName): readonly OptionInfo[] {
  return optionsOf(sections[section].schema)
}

/** CELLFAN_MODE, CELLFAN_AWS_LAMBDA_MEMORY_MIB. */
export function variableOf(section: SectionName, key: string): string {
  const words = section === "cellfan" ? [key] : [section, key]
  return `CELLFAN_${words.map((word) => kebab(word).replaceAll("-", "_").toUpperCase()).join("_")}`
}

/** "; did you mean `x`?" or a full stop. */
export function guess(typed: string, names: Iterable<string>): string {
  const near = nearest(typed, names)
  return near === undefined ? "." : `; did you mean \`${near}\`?`
}

/** Options that can be written as text. */
export function isWritable(section: SectionName, key: string): boolean {
  return flagsOf(sections[section].schema).some(({ option }) => option.key === key)
}

export function originText(origin: Origin): string {
  switch (origin.kind) {
    case "option":
      return "option"
    case "environment":
      return origin.variable
    case "file":
      return `${origin.path}, line ${origin.line}`
    case "default":
      return "default"
  }
}
