import type ts from "typescript"

/**
 * Decorators are the standard ones, as they are for TypeScript itself. Libraries such as TypeORM and NestJS are written
 * for the kind before, which a tsconfig.json turns on; whoever uses those here sees errors that do not say so.
 */
export function decoratorHint(
  diagnostics: readonly ts.Diagnostic[],
  configured: ts.CompilerOptions,
): string | undefined {
  if (configured.experimentalDecorators || !diagnostics.some(({ code }) => code in ofOlderKind))
    return undefined
  const what = diagnostics.map(({ code }) => ofOlderKind[code]).find((one) => one !== undefined)
  return `${what} Cells have the standard decorators, called with (value, context). For the older kind, put a tsconfig.json with { "compilerOptions": { "experimentalDecorators": true } } beside the notebook and restart the kernel.`
}

const calledOtherwise = "This decorator looks like one of the older, experimental kind."

/** Errors by which decorators of the older kind show where the standard ones are on. */
const ofOlderKind: Readonly<Record<number, string>> = {
  1206: "Only decorators of the older, experimental kind can stand at parameters.",
  1238: calledOtherwise,
  1239: calledOtherwise,
  1240: calledOtherwise,
  1241: calledOtherwise,
  1270: calledOtherwise,
}
