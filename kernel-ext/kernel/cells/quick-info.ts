import type ts from "typescript"
import { typescript } from "./typescript.ts"

/** What an editor shows over the name at `position`: the language service's answer without a language service. */
export function quickInfo(
  file: ts.SourceFile,
  checker: ts.TypeChecker,
  _cancellation: unknown,
  position: number,
): ts.QuickInfo | undefined {
  const tsc = typescript()
  const node = tsc.getTouchingPropertyName(file, position)
  if (node === file || node.kind === tsc.SyntaxKind.EndOfFileToken) return undefined
  const container = tsc.getContainerNode(node)
  const textSpan = { start: node.getStart(file), length: node.getWidth(file) }
  const symbol = checker.getSymbolAtLocation(node)
  if (symbol === undefined || (checker as unknown as UnknownTest).isUnknownSymbol(symbol)) {
    if (!tsc.isIdentifier(node) && !isThisLike(tsc, node)) return undefined
    const type = checker.getTypeAtLocation(node)
    if (isError(type)) return undefined
    return {
      kind: tsc.ScriptElementKind.unknown,
      kindModifiers: "",
      textSpan,
      displayParts: tsc.typeToDisplayParts(checker, type, container),
      documentation: type.symbol?.getDocumentationComment(checker) ?? [],
      tags: type.symbol?.getJsDocTags(checker) ?? [],
    }
  }
  const shown = tsc.SymbolDisplay.getSymbolDisplayPartsDocumentationAndSymbolKind(
    checker,
    symbol,
    file,
    container,
    node,
  )
  return {
    kind: shown.symbolKind,
    kindModifiers: tsc.SymbolDisplay.getSymbolModifiers(checker, symbol),
    textSpan,
    displayParts: shown.displayParts,
    documentation: shown.documentation,
    tags: shown.tags ?? [],
  }
}

/** The type of a name that nobody has declared. */
function isError(type: ts.Type): boolean {
  return (type as { intrinsicName?: string }).intrinsicName === "error"
}

interface UnknownTest {
  isUnknownSymbol(symbol: ts.Symbol): boolean
}

function isThisLike(tsc: typeof ts, node: ts.Node): boolean {
  return node.kind === tsc.SyntaxKind.ThisKeyword || node.kind === tsc.SyntaxKind.SuperKeyword
}
