import { createRequire } from "node:module"
import type * as Esbuild from "esbuild"

let loaded: typeof Esbuild | undefined

/** esbuild, loaded when first used: it starts a process of its own. */
export function esbuild(): typeof Esbuild {
  loaded ??= createRequire(import.meta.url)("esbuild") as typeof Esbuild
  return loaded
}

/** A module that exports a loader for each specifier. */
export function loadersOf(specifiers: Iterable<string>): string {
  const entries = [...specifiers]
    .map((specifier) => JSON.stringify(specifier))
    .map((name) => `${name}: () => require(${name})`)
  return `module.exports = { ${entries.join(", ")} }`
}
