import type ts from "typescript"
import { typescript } from "./typescript.ts"

/** TypeScript's own number for deferred imports where they are not to be had. */
const NOT_SUPPORTED = 18060

/** `import defer` and `import.defer()`, which TypeScript knows and leaves to a runtime that does; no Node does yet. */
export function deferredImports(file: ts.SourceFile): ts.DiagnosticWithLocation[] {
  if (!/\bimport[\s.]+defer\b/.test(file.text)) return []
  const tsc = typescript()
  const found: ts.DiagnosticWithLocation[] = []
  const visit = (node: ts.Node): void => {
    const isDeferred =
      (tsc.isImportDeclaration(node) && node.importClause?.phaseModifier === tsc.SyntaxKind.DeferKeyword) ||
      (tsc.isMetaProperty(node) &&
        node.keywordToken === tsc.SyntaxKind.ImportKeyword &&
        node.name.text === "defer")
    if (isDeferred) found.push(problem(file, node))
    tsc.forEachChild(node, visit)
  }
  visit(file)
  return found
}

function problem(file: ts.SourceFile, node: ts.Node): ts.DiagnosticWithLocation {
  const start = node.getStart(file)
  return {
    file,
    start,
    length: node.end - start,
    messageText: `Node ${process.versions.node} has no deferred imports. Leave out 'defer', or load the module where it is needed: await import("…")`,
    category: typescript().DiagnosticCategory.Error,
    code: NOT_SUPPORTED,
  }
}
