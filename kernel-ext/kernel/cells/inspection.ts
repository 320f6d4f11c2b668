import type ts from "typescript"
import type { DisplayBundle } from "../types.ts"
import type { Compiler } from "./compiler.ts"
import type { Declarations } from "./declarations.ts"
import { typescript } from "./typescript.ts"

/** What is known of the name at `offset`, or of the function whose arguments are being written there. */
export function inspect(
  compiler: Compiler,
  declarations: Declarations,
  definitions: ReadonlyMap<string, string>,
  code: string,
  offset: number,
  detail: 0 | 1,
): DisplayBundle | undefined {
  const info = candidates(code, offset).reduce<ts.QuickInfo | undefined>(
    (found, position) => found ?? compiler.inspect(declarations, code, position),
    undefined,
  )
  if (info === undefined) {
    // A name alone may be that of a type.
    if (!NAME.test(code)) return undefined
    return inspect(
      compiler,
      declarations,
      definitions,
      `${AS_TYPE}${code}`,
      AS_TYPE.length + code.trimEnd().length - 1,
      detail,
    )
  }
  const signature = textOf(info.displayParts)
  // What TypeScript writes where a type of that name is nowhere.
  if (signature === "" || signature.includes("/*unresolved*/")) return undefined
  const documentation = textOf(info.documentation)
  const tags = (info.tags ?? []).map((tag) => ({ name: tag.name, text: textOf(tag.text) }))
  const name = code.slice(info.textSpan.start, info.textSpan.start + info.textSpan.length)
  const source = detail === 1 ? definitions.get(name) : undefined
  return {
    data: {
      "text/plain": [
        signature,
        ...(documentation === "" ? [] : ["", documentation]),
        ...(tags.length === 0 ? [] : ["", ...tags.map((tag) => `@${tag.name} ${tag.text}`.trimEnd())]),
        ...(source === undefined ? [] : ["", "Source:", source]),
      ].join("\n"),
      "text/markdown": [
        fence(signature),
        ...(documentation === "" ? [] : [documentation]),
        ...(tags.length === 0 ? [] : [tags.map(tagInMarkdown).join("\n")]),
        ...(source === undefined ? [] : [`**Source**\n\n${fence(source)}`]),
      ].join("\n\n"),
    },
  }
}

const AS_TYPE = "type _ = "
const NAME = /^[\p{L}_$][\p{L}\p{N}_$.]*\s*$/u

function candidates(code: string, offset: number): number[] {
  const callee = calleeAround(code, offset)
  // Right behind a name the cursor still means it; between the parentheses of a call it means the call.
  return [offset, ...(callee === undefined ? [] : [callee]), Math.max(0, offset - 1)]
}

/** The end of the name of the innermost call that `offset` is among the arguments of. */
function calleeAround(code: string, offset: number): number | undefined {
  const tsc = typescript()
  const file = tsc.createSourceFile("cell.ts", code, tsc.ScriptTarget.Latest, false)
  let found: number | undefined
  const visit = (node: ts.Node): void => {
    if (offset < node.pos || offset > endOf(node, code, offset)) return
    if ((tsc.isCallExpression(node) || tsc.isNewExpression(node)) && offset > node.expression.end)
      found = Math.max(node.expression.getStart(file), node.expression.end - 1)
    tsc.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/** A call whose closing parenthesis is still to come reaches to where the cursor is. */
function endOf(node: ts.Node, code: string, offset: number): number {
  const isOpen = code[node.end - 1] !== ")" && code.slice(node.end, offset).trim() === ""
  return isOpen ? Math.max(node.end, offset) : node.end
}

function textOf(parts: readonly ts.SymbolDisplayPart[] | undefined): string {
  return (parts ?? []).map((part) => part.text).join("")
}

function fence(code: string): string {
  return `\`\`\`typescript\n${code}\n\`\`\``
}

function tagInMarkdown({ name, text }: { name: string; text: string }): string {
  if (name === "example") return `- *@example*\n${text.includes("```") ? text : fence(text)}`
  return `- *@${name}* ${text}`.trimEnd()
}
