import type { DisplayBundle } from "../types.ts"
import type { Compiler } from "./compiler.ts"

export function inspect(
  compiler: Compiler,
  declarations: string,
  definitions: ReadonlyMap<string, string>,
  code: string,
  offset: number,
  detail: 0 | 1,
): DisplayBundle | undefined {
  const info = compiler.inspect(declarations, code, offset)
  if (info === undefined) return undefined
  const signature = (info.displayParts ?? []).map((part) => part.text).join("")
  const name = code.slice(info.textSpan.start, info.textSpan.start + info.textSpan.length)
  const source = detail === 1 ? definitions.get(name) : undefined
  return { data: { "text/plain": source ?? signature } }
}
