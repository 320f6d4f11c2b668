import type ts from "typescript"
import { parse } from "./source.ts"
import { typescript } from "./typescript.ts"

/** Elements can stand in cells only where a tsconfig.json says what they become; whoever writes one elsewhere sees errors that do not say so. */
export function jsxHint(
  code: string,
  diagnostics: readonly ts.Diagnostic[],
  configured: ts.CompilerOptions,
): string | undefined {
  if (configured.jsx !== undefined || !diagnostics.some(isSyntax) || !/<[\w>]/.test(code)) return undefined
  const file = parse(code, true)
  const { parseDiagnostics } = file as unknown as { parseDiagnostics: readonly ts.Diagnostic[] }
  if (parseDiagnostics.length > 0 || !hasElement(file)) return undefined
  return `This looks like JSX. To say what its elements become, put a tsconfig.json with { "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "react" } }, or the package that you use, beside the notebook and restart the kernel.`
}

function isSyntax({ code }: ts.Diagnostic): boolean {
  return code < 2000
}

function hasElement(node: ts.Node): boolean {
  const tsc = typescript()
  if (tsc.isJsxElement(node) || tsc.isJsxSelfClosingElement(node) || tsc.isJsxFragment(node)) return true
  return tsc.forEachChild(node, (child) => hasElement(child) || undefined) ?? false
}

/** Whether elements become calls of functions that the compiler imports by itself. */
export function importsJsx({ jsx }: ts.CompilerOptions): boolean {
  const { JsxEmit } = typescript()
  return jsx === JsxEmit.ReactJSX || jsx === JsxEmit.ReactJSXDev
}
